/**
 * All mutants. Each is a mistake that a careful engineer might make: what it breaks, and the edit that makes it.
 */

import { dataMutants } from "./data-mutants.ts";
import { aws, core, type Mutant, type Mutants } from "./edit.ts";
import { identityMutants } from "./identity-mutants.ts";
import { seriesMutants } from "./series-mutants.ts";
import { taskMutants } from "./task-mutants.ts";

const byName: Mutants = {
  ...identityMutants,
  "unconditional-put": {
    seed: 63,
    breaks: "Objects are put without If-None-Match: the last of two workers wins.",
    edits: [aws("archive-store.ts", '          IfNoneMatch: "*",\n', "")],
  },
  "adopt-without-cursor": {
    seed: 483,
    breaks:
      "A worker that loses a put adopts the winner's counts, but continues the scan from its own cursor.",
    edits: [
      core("backup/slice.ts", 'if (taken !== "taken") await scanner.restart(writer.position().after);', ""),
    ],
  },
  "adopt-keeps-page": {
    seed: 483,
    breaks:
      "A worker that loses a put continues with the rest of its page, and still assumes that its scan has ended.",
    edits: [core("backup/writer.ts", 'if (closed !== "taken") return closed;', "")],
  },
  "no-end-mark": {
    seed: 1,
    breaks: "A segment's last file has no end mark, and the finishing step does not check it.",
    edits: [
      core("archive/chain.ts", '    ...(file.end && { end: "true" }),\n', ""),
      core("archive/chain-index.ts", "if (files.at(-1)?.end !== true)", "if (files.length === 0)"),
    ],
  },
  "foreign-file-adopted": {
    seed: 443,
    breaks: "The request-id of a file in the chain is not compared.",
    edits: [
      core("archive/chain.ts", 'if (metadata["request-id"] !== plan.task["request-id"])', "if (false)"),
    ],
  },
  "replan-makes-new-plan": {
    seed: 328,
    breaks: "A request that is delivered again gets a new plan, although its plan is stored.",
    edits: [
      core(
        "archive/task-file.ts",
        "if (before !== undefined) return before;",
        "if (before !== undefined) return plan;",
      ),
      core("archive/task-file.ts", "  return winner;\n", "  return plan;\n"),
    ],
  },
  "fan-out-in-plan": {
    seed: 98,
    breaks: "The plan queues its segments itself, in separate entries: there is no single commit point.",
    edits: [
      core(
        "worker.ts",
        "return plan(event, withThrottleRetry(ports));",
        'return (await plan(event, withThrottleRetry(ports))).flatMap((one) => one.type === "TaskAccepted" ? [one, ...fanOut(one.detail)] : [one]);',
      ),
      core("worker.ts", "? fanOut(accepted)", "? (accepted.attempt === 1 ? [] : fanOut(accepted))"),
    ],
  },
  "ack-by-position": {
    seed: 1394,
    breaks: "The response names as many messages as failed, but the first ones of the batch.",
    edits: [
      aws(
        "lambda/projector.ts",
        "[...failed.keys()].map((itemIdentifier) => ({ itemIdentifier }))",
        "event.Records.slice(0, failed.size).map(({ messageId }) => ({ itemIdentifier: messageId }))",
      ),
    ],
  },
  "ignore-failed-entries": {
    seed: 411,
    breaks: "A PutEvents response with failed entries counts as success.",
    edits: [aws("bus.ts", "if ((answer.FailedEntryCount ?? 0) === 0)", "if (answer !== undefined)")],
  },
  "ignore-unprocessed": {
    seed: 62,
    breaks: "Unprocessed writes of BatchWriteItem are not sent again.",
    edits: [core("restore/table-writer.ts", "rest = result.unprocessed;", "rest = [];")],
  },
  "projection-counts-twice": {
    seed: 262,
    breaks: "A segment's counts are added again with each duplicate of its completion.",
    edits: [
      core(
        "projection/project.ts",
        "if (isComplete(row, segment)) return attempted;",
        "if (isComplete(row, segment)) return { ...attempted, items: row.items + counts.items };",
      ),
    ],
  },
  "projection-order-dependent": {
    seed: 7,
    breaks: "The row has the attempt of the fact that arrived last.",
    edits: [core("projection/project.ts", "Math.max(row.attempt, fact.attempt)", "fact.attempt")],
  },
  "finish-before-complete": {
    seed: 443,
    breaks: "A task is finished when every segment is complete or has failed.",
    edits: [
      core(
        "projection/status.ts",
        'if (row.completed.length === row.total) return stepFailed ? "failed" : "finishing";',
        'if (row.completed.length + failedSegments(row) === row.total) return stepFailed ? "failed" : "finishing";',
      ),
    ],
  },
  "finish-without-fails-as": {
    seed: 778,
    breaks: "A dead letter of the finishing step is not reported.",
    edits: [
      core(
        "topology.ts",
        'pattern: fact(action, "TaskFinishing"),\n      queue,\n      failsAs: "TaskStepFailed",',
        'pattern: fact(action, "TaskFinishing"),\n      queue,',
      ),
    ],
  },
  "restore-without-cancellation-check": {
    seed: 211,
    breaks: "A restore's worker never checks whether it was cancelled.",
    edits: [
      core(
        "restore/slice.ts",
        "const check = openCancellationCheck(work, ports);",
        "const check = { ...openCancellationCheck(work, ports), stillNeeded: async () => true };",
      ),
    ],
  },
  "cursor-off-by-one": {
    seed: 60,
    breaks: "A file's cursor is its second to last item.",
    edits: [
      core(
        "backup/writer.ts",
        "body.subarray(bounds.at(-2), bounds.at(-1))",
        "body.subarray(bounds.at(-4) ?? bounds.at(-2), bounds.at(-3) ?? bounds.at(-1))",
      ),
    ],
  },
  "cursor-passes-failed-write": {
    seed: 368,
    breaks: "A restore's cursor passes a failed write, because a later write succeeded.",
    edits: [core("restore/table-writer.ts", 'if (done === "too late") stopped = true;', "")],
  },
  "cancel-polled-once": {
    seed: 443,
    breaks: "A slice checks whether it was cancelled only at its start.",
    edits: [core("control/cancellation.ts", "if (due()) last = poll();", "")],
  },
  "claim-ignored": {
    seed: 168,
    breaks: "A slice with two messages is processed twice, as are all its continuations.",
    edits: [core("worker.ts", 'if (claim.outcome === "taken") return [];', "")],
  },
  "row-claim-ignored": {
    seed: 383,
    breaks: "A request takes the row that its digest chooses, even if another task has it.",
    edits: [
      core(
        "request/registration.ts",
        "if (!(await registry.claimRow(at, digest))) continue;",
        "await registry.claimRow(at, digest);",
      ),
      core("request/registration.ts", "if (row === undefined || isRowOf(row, task))", "if (tries >= 0)"),
      core("request/registration.ts", "% SLOTS_PER_SECOND;\n  for", "% 1;\n  for"),
    ],
  },
  "handoffs-not-counted": {
    seed: 216,
    breaks: "A handoff has the number of the slice that it ends.",
    edits: [core("segment/checkpoint.ts", "handoffs: work.handoffs + 1,", "")],
  },
  "claim-per-delivery": {
    seed: 7,
    breaks: "A claim is valid for one delivery: when its message is delivered again, it is dropped.",
    edits: [core("worker.ts", "segment, message, writer", "segment, message + ports.random(), writer")],
  },
  "ceiling-per-worker": {
    seed: 549,
    breaks: "Each worker keeps the ceiling for itself, regardless of the consumption of the others.",
    edits: [
      core(
        "pacing/pacing.ts",
        "const startMs = await limiter.reserve(task, {",
        "const startMs = Math.max(Math.floor(time.now()), endMs); void ({",
      ),
    ],
  },
  ...dataMutants,
  ...seriesMutants,
  ...taskMutants,
};

export const mutants: readonly Mutant[] = Object.entries(byName).map(([name, mutant]) => ({
  name,
  ...mutant,
}));
