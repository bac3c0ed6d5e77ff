import type { EventBridgeClient, PutEventsCommand, PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import { permanent } from "@ferry/core/errors/errors";
import type { BusEvent, RestorePlan, TaskAccepted } from "@ferry/core/events/events";
import { type Fact, factOf } from "@ferry/core/projection/facts";
import { project } from "@ferry/core/projection/project";
import { projectBatch } from "@ferry/core/projection/projector";
import type { TaskRow } from "@ferry/core/projection/status";
import { ONLY_BYTES_MAX, ONLY_MAX, ONLY_SEGMENTS_MAX, type Only } from "@ferry/core/request/only";
import { parseRequest, type RestoreRequest } from "@ferry/core/request/request";
import { identify, rowKeyOf, taskRef } from "@ferry/core/request/task";
import { SERIES_PLAN_BYTES_MAX, SERIES_SEGMENTS_MAX } from "@ferry/core/restore/plan";
import { failure } from "@ferry/core/segment/failure";
import { SEGMENTS_MAX } from "@ferry/core/settings/settings";
import { work } from "@ferry/core/worker";
import { memoryPorts } from "@ferry/memory/ports";
import { ITEM_BYTES_MAX, memoryStatusStore } from "@ferry/memory/status-store";
import { projecting } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { eventBus } from "../bus.ts";
import { itemBytes } from "../testing/item-size.ts";
import { itemOfRow, rowOfItem } from "./status-item.ts";

const MOST = Number.MAX_SAFE_INTEGER;
const ATTEMPT = 999_999;
const TIME = "2026-11-01T02:00:00Z";
const event = (type: string, detail: unknown) => ({
  id: "e",
  time: TIME,
  source: "ferry",
  "detail-type": type,
  detail,
});

const fingerprint = { md5: "m".repeat(24), etag: `"${"e".repeat(62)}"` };

/** An `only` of the largest size. Each quote in it is escaped once more in the plan's JSON. */
function largestOnly(): Only {
  const all = Array.from({ length: ONLY_MAX }, (_, n) => ({ i: { S: "x" }, k: { to: { S: `k-${n}` } } }));
  const room = ONLY_BYTES_MAX - JSON.stringify(all).length;
  return [{ ...all[0]!, i: { S: "x".repeat(1 + room) } }, ...all.slice(1)];
}

/** The largest request that is valid, and the largest plan for it. */
function worstPlan(total: number, isSelective: boolean): RestorePlan {
  const region = `eu-${"w".repeat(1130)}-1`;
  const fields = {
    action: "restore",
    "table-region": region,
    "table-name": `arn:aws-iso-b:dynamodb:${region}:123456789012:table/${"t".repeat(255)}`,
    "bucket-region": region,
    "bucket-name": "b".repeat(63),
    "bucket-prefix": "p".repeat(700),
    "bucket-owner": "123456789012",
    "restore-mode": "if-absent",
    "write-units": 10_000_000,
    ...(isSelective && { only: largestOnly() }),
    // The most that a request may have.
    "total-segments": Math.min(total, SEGMENTS_MAX),
  };
  const parsed = parseRequest(fields, { requestTimeMs: 1, maximumSegments: total, compression: "gzip" });
  if (!("request" in parsed)) throw new Error(JSON.stringify(parsed));
  const detail = { request: fields, "request-id": "r".repeat(100), "request-time": 4_102_444_799_999 };
  const identity = identify(detail, { id: "e", time: TIME });
  const key = rowKeyOf(identity, identity.requestTimeMs)!;
  expect(Buffer.byteLength(key)).toBe(1900);
  const task = taskRef({ action: "restore", key, timestamp: identity.requestTimeMs }, identity);
  return {
    request: parsed.request as RestoreRequest,
    task,
    "total-segments": total,
    "write-units": 10_000_000,
    "units-per-write": 41,
    "items-before": "none",
    "count-units": 10_000_000,
    table: {
      arn: fields["table-name"],
      id: "i".repeat(36),
      keys: ["\u6f22".repeat(85), "\u5b57".repeat(85)],
      "key-types": ["S", "B"],
    },
    manifest: {
      own: false,
      location: {
        prefix: "p".repeat(700),
        writtenFor: "\u6f22".repeat(340),
        keys: "as-listed",
        shared: false,
      },
      items: MOST,
      files: MOST,
      bytes: MOST,
      objects: { summary: fingerprint, task: fingerprint },
      list: { ...fingerprint, bytes: MOST },
      lines: "changes",
    },
  };
}

const error = permanent("conditional-request-conflict", {
  operation: "o",
  resource: "r",
  // Three UTF-8 bytes for each character.
  message: "\u6f22".repeat(1000),
  hint: "h",
});

/** The facts of a restore whose segments all failed with long reasons, in late attempts and with large counts. */
function worstFacts(total: number, isSelective: boolean, plan = worstPlan(total, isSelective)): BusEvent[] {
  const { task } = plan;
  const shared = { version: 1, task, plan, attempt: ATTEMPT, "deadline-ms": 4_102_444_799_999 };
  // Their sum must be a safe integer.
  const each = Math.floor(MOST / total);
  const facts = [event("TaskAccepted", { ...shared, segments: [] })];
  for (let segment = 0; segment < total; segment++) {
    const work = {
      ...shared,
      segment,
      cursor: { file: MOST, line: MOST },
      counts: {
        batches: each,
        items: each,
        bytes: each,
        skipped: each,
        ...(isSelective && { matched: each }),
      },
      handoffs: MOST,
      "handoffs-without-progress": 0,
    };
    const { type, detail } = failure("SegmentFailed", event("SegmentProgressed", work), error);
    facts.push(event(type, detail));
  }
  facts.push(event("TaskCancelRequested", { task, attempt: ATTEMPT }));
  return facts;
}

function worstRow(total: number, isSelective = false, plan = worstPlan(total, isSelective)): TaskRow {
  return rowOf(worstFacts(total, isSelective, plan));
}

function rowOf(facts: readonly BusEvent[]): TaskRow {
  let row: TaskRow | undefined;
  for (const fact of facts) row = project(row, factOf(fact) as Fact);
  return { ...row!, rev: MOST };
}

test("the row of a series with the most segments and the largest plan fits in an item, and is read as it was written", () => {
  const worst = worstPlan(SERIES_SEGMENTS_MAX, false);
  // The sum of all exports must be a safe integer.
  const plan = { ...worst, manifest: { ...worst.manifest, items: Math.floor(MOST / 1000) } };
  const increments: NonNullable<RestorePlan["increments"]>[number][] = [];
  const bytes = () => Buffer.byteLength(JSON.stringify({ ...plan, increments }));
  while (bytes() < SERIES_PLAN_BYTES_MAX) increments.push({ ...plan.manifest, segments: 1 });
  expect(increments.length).toBeGreaterThan(40);
  const row = worstRow(SERIES_SEGMENTS_MAX, false, { ...plan, increments });
  expect(itemBytes(itemOfRow(row))).toBeLessThan(ITEM_BYTES_MAX - 24 * 1024);
  expect(rowOfItem(itemOfRow(row))).toEqual(row);
});

describe.each([
  ["a task", SEGMENTS_MAX, false],
  ["a restore with only", ONLY_SEGMENTS_MAX, true],
] as const)("%s with the most segments, all of which failed", (_, segments, isSelective) => {
  const facts = worstFacts(segments, isSelective);
  const row = rowOf(facts);

  test("has a row that fits in an item with 24 KiB to spare, and the row is read as it was written", () => {
    const item = itemOfRow(row);
    expect(itemBytes(item)).toBeLessThan(ITEM_BYTES_MAX - 24 * 1024);
    expect(rowOfItem(item)).toEqual(row);
  });

  test("is retried by one event within the bus's size limit, and so is the event of its failure", async () => {
    const ports = memoryPorts();
    await ports.status.write(row, undefined);
    const { action, key, timestamp } = row;
    const retry = event("TaskRetryRequested", { task: { action, key, timestamp } });
    const answer = await work({ id: "m", failsAs: "TaskStepFailed", event: retry }, ports);
    expect(answer).toMatchObject([{ type: "TaskAccepted" }]);
    const { detail } = answer[0]! as { detail: TaskAccepted };
    expect(detail.segments).toHaveLength(segments);
    expect(Object.keys(detail.resume!)).toHaveLength(segments);
    const entries: PutEventsRequestEntry[] = [];
    const client = {
      async send(command: PutEventsCommand) {
        entries.push(...command.input.Entries!);
        return { FailedEntryCount: 0, Entries: command.input.Entries!.map(() => ({ EventId: "e" })) };
      },
    };
    const bus = eventBus(client as unknown as EventBridgeClient, "ferry-bus");
    await bus.put([...answer, failure("TaskStepFailed", event("TaskAccepted", detail), error)]);
    expect(entries.map(({ DetailType }) => DetailType)).toEqual(["TaskAccepted", "TaskStepFailed"]);
  });

  test("is projected from one batch of its facts", async () => {
    const status = memoryStatusStore(undefined, (one) => itemBytes(itemOfRow(one)));
    const messages = facts.map((one, n) => ({
      id: `m-${n}`,
      message: { event: one },
    }));
    expect(await projectBatch(messages, projecting(status))).toEqual({
      failed: [],
      refused: [],
      withoutRow: [],
    });
    expect(status.rows()).toEqual([{ ...row, rev: 1 }]);
  });
});

test("with a quarter more segments, the row of a task does not fit", () => {
  expect(itemBytes(itemOfRow(worstRow(SEGMENTS_MAX * 1.25)))).toBeGreaterThan(ITEM_BYTES_MAX);
});
