/**
 * Bugs to mutant, each a mistake that a careful engineer might make: what it breaks, and where.
 */

import { dataMutants } from "./data-mutants.ts";
import { aws, core, type Mutant } from "./edit.ts";
import { identityMutants } from "./identity-mutants.ts";
import { taskMutants } from "./task-mutants.ts";

export const mutants: readonly Mutant[] = [
  ...identityMutants,
  {
    name: "unconditional-put",
    seed: 1,
    breaks: "Objects are put without If-None-Match: of two workers the last one wins.",
    edits: [aws("archive-store.ts", '          IfNoneMatch: "*",\n', "")],
  },
  {
    name: "adopt-without-cursor",
    seed: 112,
    breaks: "Who loses a put takes the winner's counts and scans on from where it was itself.",
    edits: [
      core("backup/slice.ts", 'if (taken !== "taken") await scanner.restart(writer.position().after);', ""),
    ],
  },
  {
    name: "adopt-keeps-page",
    seed: 112,
    breaks:
      "Who loses a put goes on with the rest of its page, and with its knowledge that the scan has ended.",
    edits: [core("backup/writer.ts", 'if (closed !== "taken") return closed;', "")],
  },
  {
    name: "no-end-mark",
    seed: 1,
    breaks: "A segment's last file is not marked, and finishing does not ask for the mark.",
    edits: [
      core("archive/chain.ts", '    ...(file.end && { end: "true" }),\n', ""),
      core("backup/finish.ts", "if (files.at(-1)?.end !== true)", "if (files.length === 0)"),
    ],
  },
  {
    name: "foreign-file-adopted",
    seed: 8,
    breaks: "Nobody looks whose a file of the chain is.",
    edits: [
      core("archive/chain.ts", 'if (metadata["request-id"] !== plan.task["request-id"])', "if (false)"),
    ],
  },
  {
    name: "replan-derives-segments",
    breaks: "A request that is delivered again is planned anew, though its plan is stored.",
    edits: [
      core(
        "archive/task-file.ts",
        "if (before !== undefined) return before;",
        "if (before !== undefined) return plan;",
      ),
      core("archive/task-file.ts", "  return winner;\n", "  return plan;\n"),
    ],
  },
  {
    name: "spread-in-plan",
    breaks: "The plan queues its segments itself, in entries of their own: there is no one commit point.",
    edits: [
      core(
        "worker.ts",
        "return plan(event, withThrottleRetry(ports));",
        'return (await plan(event, withThrottleRetry(ports))).flatMap((one) => one.type === "TaskAccepted" ? [one, ...fanOut(one.detail)] : [one]);',
      ),
      core("worker.ts", "? fanOut(accepted)", "? (accepted.attempt === 1 ? [] : fanOut(accepted))"),
    ],
  },
  {
    name: "ack-by-position",
    seed: 19,
    breaks: "A batch tells how many of its messages failed by naming its first ones.",
    edits: [
      aws(
        "lambda/projector.ts",
        "[...failed.keys()].map((itemIdentifier) => ({ itemIdentifier }))",
        "event.Records.slice(0, failed.size).map(({ messageId }) => ({ itemIdentifier: messageId }))",
      ),
    ],
  },
  {
    name: "ignore-failed-entries",
    seed: 1,
    breaks: "A 200 of PutEvents is taken for success.",
    edits: [
      aws(
        "bus.ts",
        "if ((answer.FailedEntryCount ?? 0) === 0) return [];",
        "if (answer !== undefined) return [];",
      ),
    ],
  },
  {
    name: "ignore-unprocessed",
    seed: 9,
    breaks: "What BatchWriteItem did not take is not sent again.",
    edits: [core("restore/table-writer.ts", "rest = result.unprocessed;", "rest = [];")],
  },
  {
    name: "projection-counts-twice",
    seed: 1,
    breaks: "A segment's counts are added each time that it is heard to be complete.",
    edits: [
      core(
        "projection/project.ts",
        "if (isComplete(row, segment)) return attempted;",
        "if (isComplete(row, segment)) return { ...attempted, items: row.items + counts.items };",
      ),
    ],
  },
  {
    name: "projection-order-dependent",
    seed: 0,
    breaks: "The row's attempt is that of the last fact to come.",
    edits: [core("projection/project.ts", "Math.max(row.attempt, fact.attempt)", "fact.attempt")],
  },
  {
    name: "finish-before-complete",
    seed: 4,
    breaks: "A task is finished when all segments are done, failed ones too.",
    edits: [
      core(
        "projection/status.ts",
        'if (row.completed.length === row.total) return stepFailed ? "failed" : "finishing";',
        'if (row.completed.length + failedSegments(row) === row.total) return stepFailed ? "failed" : "finishing";',
      ),
    ],
  },
  {
    name: "finish-without-fails-as",
    seed: 5,
    breaks: "A message to finish a task says nothing when it is given up.",
    edits: [
      core(
        "topology.ts",
        'pattern: fact(action, "TaskFinishing"),\n      queue,\n      failsAs: "TaskStepFailed",',
        'pattern: fact(action, "TaskFinishing"),\n      queue,',
      ),
    ],
  },
  {
    name: "restore-without-looking",
    seed: 37,
    breaks: "A restore's worker never looks whether it should still write.",
    edits: [
      core(
        "restore/slice.ts",
        "const watch = openCancellationCheck(work, ports);",
        "const watch = { ...openCancellationCheck(work, ports), wanted: async () => true };",
      ),
    ],
  },
  {
    name: "cursor-off-by-one",
    breaks: "A file's cursor is the last item but one.",
    edits: [
      core("backup/writer.ts", "const last = items.at(-1)!;", "const last = items.at(-2) ?? items.at(-1)!;"),
    ],
  },
  {
    name: "landed-out-of-order",
    seed: 19,
    breaks: "A restore's cursor passes over a write that failed, since one behind it landed.",
    edits: [core("restore/table-writer.ts", 'if (done === "too late") stopped = true;', "")],
  },
  {
    name: "deaf-to-cancel",
    seed: 2,
    breaks: "A slice looks whether it was cancelled when it begins, and not again.",
    edits: [core("cancellation.ts", "if (due()) last = poll();", "")],
  },
  {
    name: "forks-go-on",
    seed: 1,
    breaks: "A slice that is asked for twice is worked on twice, and so is all that follows from it.",
    edits: [core("worker.ts", 'if (claim.outcome === "taken") return [];', "")],
  },
  {
    name: "rows-shared",
    seed: 1,
    breaks: "A request takes the row that its digest chooses, whoever has it.",
    edits: [
      core(
        "registration.ts",
        "if (!(await registry.claimRow(at, digest))) continue;",
        "await registry.claimRow(at, digest);",
      ),
      core("registration.ts", "if (row === undefined || isRowOf(row, task))", "if (tries >= 0)"),
      core("registration.ts", "% SLOTS_PER_SECOND;\n  for", "% 1;\n  for"),
    ],
  },
  {
    name: "hops-not-counted",
    seed: 0,
    breaks: "A hand-off asks for the slice that it ends.",
    edits: [core("checkpoint.ts", "handoffs: work.handoffs + 1,", "")],
  },
  {
    name: "claimed-but-for-once",
    seed: 4,
    breaks: "Whoever has claimed a slice has it once: the message that comes again is sent away.",
    edits: [core("worker.ts", "claim(segment, message)", "claim(segment, message + ports.random())")],
  },
  {
    name: "ceiling-per-worker",
    breaks: "Each worker keeps to the ceiling by itself, whatever the others consume.",
    edits: [
      core(
        "pacing.ts",
        "const startMs = await limiter.reserve(task, {",
        "const startMs = Math.max(Math.floor(time.now()), endMs); void ({",
      ),
    ],
  },
  ...dataMutants,
  ...taskMutants,
];
