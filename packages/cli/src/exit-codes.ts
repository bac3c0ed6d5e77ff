/**
 * The exit codes of the ferry command. docs/cli.md lists them.
 */
import type { ErrorGroup } from "@ferry/client/client-error";
import type { TaskStatus } from "@ferry/client/task/task-status";

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  cancelled: 4,
  refused: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The meaning of each code, for --help and docs/cli.md. */
export const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: "done",
  failed: "failed: the task failed, the data differs, or a call failed",
  usage: "usage: the arguments or the set-up are wrong; nothing was done",
  notFound: "not found: the table, bucket, archive, task or stage does not exist",
  cancelled: "cancelled: the task was cancelled",
  refused: "refused: by Ferry, by AWS, or by you at a question",
  interrupted: "interrupted: Ctrl-C; a task that was watched goes on",
};

export const exitCodeOfGroup: Readonly<Record<ErrorGroup, ExitCode>> = {
  failed: exitCodes.failed,
  usage: exitCodes.usage,
  "not-found": exitCodes.notFound,
  refused: exitCodes.refused,
};

/** A rejection for one of these causes means that something does not exist. A reason begins with its cause. */
const NOT_FOUND = /^(no-such-table|no-such-bucket|no-manifest):/;

/** The exit code of a command that waited for a task. */
export function exitCodeOfTask({ state, reasons }: Pick<TaskStatus, "state" | "reasons">): ExitCode {
  switch (state) {
    case "failed":
      return exitCodes.failed;
    case "cancelled":
      return exitCodes.cancelled;
    case "rejected":
      return NOT_FOUND.test(reasons[0] ?? "") ? exitCodes.notFound : exitCodes.refused;
    default:
      return exitCodes.done;
  }
}
