import type { FerryEvent } from "@ferry/core/events/events";
import { busEvent } from "@ferry/memory/testing/tasks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { record, recordedTelemetry } from "../testing/handlers.ts";
import { loggerOf, logUnreadable, measure, metricsOf } from "./telemetry.ts";

describe("logs and metrics", () => {
  let written: string[];
  beforeEach(() => {
    written = [];
    const keep = (chunk: string | Uint8Array) => {
      written.push(chunk.toString());
      return true;
    };
    vi.spyOn(process.stdout, "write").mockImplementation(keep);
    vi.spyOn(process.stderr, "write").mockImplementation(keep);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });
  const lines = () =>
    written
      .flatMap((text) => text.split("\n"))
      .filter(Boolean)
      .map((line) => JSON.parse(line));

  it("metrics have units and one dimension, the service", () => {
    metricsOf("backup")({ Items: 3, Bytes: 9, Throttles: 0 });
    expect(lines()).toMatchObject([{ service: "ferry-backup", Items: 3, Bytes: 9 }]);
    expect(lines()[0]._aws.CloudWatchMetrics).toEqual([
      {
        Namespace: "Ferry",
        Dimensions: [["service"]],
        Metrics: [
          { Name: "Items", Unit: "Count" },
          { Name: "Bytes", Unit: "Bytes" },
        ],
      },
    ]);
  });

  it("the environment sets the namespace and the service", () => {
    vi.stubEnv("POWERTOOLS_METRICS_NAMESPACE", "Other");
    vi.stubEnv("POWERTOOLS_SERVICE_NAME", "ferry-test-backup");
    metricsOf("backup")({ Items: 1 });
    loggerOf("backup").error("oh");
    expect(lines()).toMatchObject([
      { service: "ferry-test-backup", _aws: { CloudWatchMetrics: [{ Namespace: "Other" }] } },
      { service: "ferry-test-backup", level: "ERROR", message: "oh" },
    ]);
  });

  it("zeros are not published", () => {
    metricsOf("restore")({ Throttles: 0 });
    expect(written).toEqual([]);
  });

  it("the environment disables logs and metrics", () => {
    vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "true");
    vi.stubEnv("POWERTOOLS_LOG_LEVEL", "SILENT");
    metricsOf("backup")({ Items: 1 });
    loggerOf("backup").error("oh");
    expect(written).toEqual([]);
  });
});

describe("a step's measurements", () => {
  it("are the events' counts less the message's counts", () => {
    const counts = (items: number) => ({ items, bytes: items * 10, batches: items / 5 });
    const concluding = [
      { type: "SegmentProgressed", detail: { counts: counts(15) } },
    ] as unknown as FerryEvent[];
    const handedOff = { event: busEvent("SegmentProgressed", { counts: counts(10) }) };
    expect(measure(handedOff, concluding)).toMatchObject({ Items: 5, Bytes: 50, Batches: 1 });
    expect(measure({ event: busEvent("SegmentQueued", null) }, concluding)).toMatchObject({ Items: 15 });
  });

  it("are zero if no events conclude it", () => {
    const nothing = measure({ event: busEvent("SegmentQueued", {}) }, []);
    expect(Object.values(nothing).every((value) => value === 0)).toBe(true);
  });
});

it("a message that cannot be read is logged at its first delivery, with its start and without a stack", () => {
  const { logger, lines } = recordedTelemetry();
  const body = `not JSON ${"x".repeat(1000)}`;
  for (const receives of [1, 2, 3])
    logUnreadable(logger, record("m1", body, receives), new SyntaxError("no"));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: "error", messageId: "m1", reason: "no" });
  expect(lines[0]).not.toHaveProperty("error");
  expect(lines[0]).toMatchObject({
    queue: "ferry-test-backup-queue",
    deadLetters: "ferry-test-redrive-queue",
  });
  expect(body.startsWith(String(lines[0]!["body"]))).toBe(true);
  expect(String(lines[0]!["body"])).toHaveLength(200);
});
