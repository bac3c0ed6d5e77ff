import { backupRequest, bucket, someTask } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { BackupPlan } from "../events/events.ts";
import { decodeSummary, encodeSummary } from "./summary.ts";

const key = "backups/one/manifest-summary.json";
const task = someTask("us-east-1-cities");
const plan = {
  request: backupRequest,
  task,
  "total-segments": 3,
  table: { arn: "arn:cities", id: "id-1", keys: ["id"] },
  started: "2026-11-01T02:00:00.000Z",
} as unknown as BackupPlan;
const archive = { plan, files: 2, items: 7, filesMd5: "md5", bytes: 700, ended: "2026-11-01T02:05:00Z" };
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const read = (value: unknown) => decodeSummary(bucket, key, text(value));

describe("a summary that Ferry writes", () => {
  const written = (change: object = {}) =>
    new TextDecoder().decode(encodeSummary({ ...archive, plan: { ...plan, ...change } as BackupPlan }));

  test("has the format of a full export and a `ferry` part, is indented and ends with a line feed", () => {
    const summary = {
      version: "2020-06-30",
      exportArn: `arn:cities/export/ferry-${task.timestamp}`,
      startTime: "2026-11-01T02:00:00.000Z",
      endTime: "2026-11-01T02:05:00.000Z",
      tableArn: "arn:cities",
      tableId: "id-1",
      exportTime: "2026-11-01T02:00:00.000Z",
      s3Bucket: "archives",
      s3Prefix: "backups/one",
      s3SseAlgorithm: "AES256",
      s3SseKmsKeyId: null,
      manifestFilesS3Key: "backups/one/manifest-files.json",
      billedSizeBytes: 700,
      itemCount: 7,
      outputFormat: "DYNAMODB_JSON",
      exportType: "FULL_EXPORT",
      ferry: {
        "format-version": 1,
        task: task.id,
        "request-id": task["request-id"],
        consistency: expect.stringContaining("not a snapshot"),
        segments: 3,
        compression: "gzip",
        files: 2,
        bytes: 700,
        "manifest-files-md5": "md5",
      },
    };
    expect(JSON.parse(written())).toEqual(summary);
    expect(written()).toBe(`${JSON.stringify(JSON.parse(written()), null, 2)}\n`);
  });

  test("contains the KMS key of its request, and null for a missing table id", () => {
    const request = { ...plan.request, "kms-key-id": "alias/ferry" };
    expect(JSON.parse(written({ request }))).toMatchObject({
      s3SseAlgorithm: "KMS",
      s3SseKmsKeyId: "alias/ferry",
    });
    expect(JSON.parse(written({ table: { arn: "arn:cities", keys: ["id"] } }))).toMatchObject({
      tableId: null,
    });
  });

  test("can be decoded", () => {
    expect(decodeSummary(bucket, key, encodeSummary(archive))).toStrictEqual({
      manifestFilesS3Key: "backups/one/manifest-files.json",
      itemCount: 7,
      tableArn: "arn:cities",
      tableId: "id-1",
      startTime: "2026-11-01T02:00:00.000Z",
      endTime: "2026-11-01T02:05:00.000Z",
      exportTime: "2026-11-01T02:00:00.000Z",
      ferry: {
        "request-id": task["request-id"],
        compression: "gzip",
        files: 2,
        bytes: 700,
        "manifest-files-md5": "md5",
      },
      lines: "items",
      table: { arn: "arn:cities", id: "id-1" },
      window: { to: "2026-11-01T02:00:00.000Z" },
    });
  });
});

const full = {
  version: "2020-06-30",
  outputFormat: "DYNAMODB_JSON",
  manifestFilesS3Key: "p/manifest-files.json",
  itemCount: 7,
};
const incremental = { ...full, version: "2023-08-01", exportType: "INCREMENTAL_EXPORT" };
const ferry = {
  "format-version": 1,
  "request-id": "r-1",
  files: 2,
  bytes: 700,
  "manifest-files-md5": "md5",
};

describe("the time range of an export", () => {
  const times = {
    exportTime: "2026-11-01T01:00:00Z",
    exportFromTime: "2026-11-01T02:00:00Z",
    exportToTime: "2026-11-01T03:00Z",
  };

  test.each([
    ["full", full, times, { to: "2026-11-01T01:00:00.000Z" }],
    [
      "full, with an explicit exportType",
      { ...full, exportType: "FULL_EXPORT" },
      times,
      { to: "2026-11-01T01:00:00.000Z" },
    ],
    ["full, without a time", full, { ...times, exportTime: null }, undefined],
    ["full, with an invalid time", full, { ...times, exportTime: "Tuesday" }, undefined],
    ["incremental", incremental, times, { from: "2026-11-01T02:00:00.000Z", to: "2026-11-01T03:00:00.000Z" }],
    [
      "incremental, without a start",
      incremental,
      { ...times, exportFromTime: undefined },
      { to: "2026-11-01T03:00:00.000Z" },
    ],
    ["incremental, without an end", incremental, { ...times, exportToTime: undefined }, undefined],
  ])("%s", (_, summary, given, window) => {
    const found = read({ ...summary, ...given });
    expect(found.window).toStrictEqual(window);
    expect("window" in found).toBe(window !== undefined);
    expect(found.lines).toBe(summary === incremental ? "changes" : "items");
  });
});

describe("a summary is refused", () => {
  test.each<[object, string, string]>([
    [
      { ...full, outputFormat: "ION" },
      "unknown-format",
      "is of an export in Amazon Ion (outputFormat ION), which Ferry does not support.",
    ],
    [
      { ...full, outputFormat: "CSV" },
      "unknown-format",
      "has outputFormat CSV; Ferry supports DYNAMODB_JSON.",
    ],
    [
      { ...full, exportType: "" },
      "unknown-format",
      "has exportType ; Ferry supports FULL_EXPORT and INCREMENTAL_EXPORT.",
    ],
    [
      { ...full, version: "2023-08-01" },
      "unknown-format",
      "has version 2023-08-01; this version of Ferry supports 2020-06-30 for exportType FULL_EXPORT.",
    ],
    [
      { ...incremental, version: "2020-06-30" },
      "unknown-format",
      "has version 2020-06-30; this version of Ferry supports 2023-08-01 for exportType INCREMENTAL_EXPORT.",
    ],
    [
      { ...incremental, ferry },
      "unknown-format",
      "is Ferry's and has exportType INCREMENTAL_EXPORT, which Ferry does not write.",
    ],
    [
      { ...full, ferry: { ...ferry, "format-version": 2 } },
      "unknown-format",
      "has ferry.format-version 2; this version of Ferry supports 1.",
    ],
  ])("%j", (summary, code, message) => {
    const resource = `s3://archives/${key}`;
    const error = { kind: "permanent", code, resource, message: `${resource} ${message}` };
    expect(() => read(summary)).toThrow(expect.objectContaining(error));
  });

  test.each<[string, object]>([
    ["version", full],
    ["outputFormat", full],
    ["manifestFilesS3Key", full],
    ["itemCount", full],
    ["request-id", ferry],
    ["files", ferry],
    ["bytes", ferry],
    ["manifest-files-md5", ferry],
    ["format-version", ferry],
  ])("without %s", (field, of) => {
    const { [field as "version"]: _, ...rest } = of as typeof full;
    const error = {
      kind: "permanent",
      code: "broken-manifest",
      message: expect.stringContaining(" cannot be read: "),
    };
    expect(() => read(of === ferry ? { ...full, ferry: rest } : rest)).toThrow(
      expect.objectContaining(error),
    );
  });

  test("that is not JSON", () => {
    expect(() => decodeSummary(bucket, key, new TextEncoder().encode("{"))).toThrow(
      expect.objectContaining({ code: "broken-manifest" }),
    );
  });
});
