/**
 * The error codes of the client and of the ferry command, beside the engine's, with cause and remedy. docs/errors.md is generated
 * from both lists.
 */
import type { ErrorCode } from "@ferry/core/errors/error-codes";

/** The documentation of a code. */
interface ClientCodeEntry {
  /** The cause, Markdown. */
  readonly cause: string;
  /** What to do, Markdown. */
  readonly remedy: string;
}

export const clientErrorCodes = {
  "ambiguous-id": {
    cause: "The id is the request-id of several tasks.",
    remedy: "Give the whole task id; the hint lists them.",
  },
  "credentials-expired": {
    cause: "The credentials have expired.",
    remedy: "Sign in again, for instance with `aws sso login`.",
  },
  "feed-not-removed": {
    cause: "`ferry events` could not remove its rule on the bus, or its queue.",
    remedy:
      "Delete both. Or run `ferry events` some minutes later with credentials that may delete them: it removes what others left.",
  },
  "feed-removed": {
    cause: "The queue of `ferry events` was deleted, or the machine was asleep for too long.",
    remedy: "Run the command again.",
  },
  "invalid-endpoint": {
    cause: "`FERRY_LOCAL` is not a URL.",
    remedy: "Set it to the URL that `npm run local` prints.",
  },
  "invalid-key": {
    cause: "The value of `--key` or `--only` is not a key in DynamoDB JSON.",
    remedy: "Write it as the hint shows.",
  },
  "invalid-s3-url": {
    cause: "An argument is not an S3 URL, or names a bucket where an archive is expected.",
    remedy: "Write `s3://BUCKET/PREFIX`.",
  },
  "invalid-stage": {
    cause: "`--stage` or `FERRY_STAGE` cannot be the name of a stage.",
    remedy: "Use a name from `stacks/stages.ts`.",
  },
  "needs-yes": {
    cause: "The command would ask a question, but its input is not a terminal.",
    remedy: "Confirm with `--yes`.",
  },
  "no-answer": {
    cause: "Ferry did not answer a request, a cancel or a retry in time.",
    remedy: "Run `ferry doctor`. A request stays valid: `ferry tasks` shows it later.",
  },
  "no-connection": {
    cause: "AWS cannot be reached, or a proxy answered in its place.",
    remedy: "Check the network, a proxy's variables, and that the region exists.",
  },
  "no-credentials": {
    cause: "The SDK finds no credentials.",
    remedy: "Sign in with `aws sso login` or `aws configure`, or set `AWS_PROFILE` or `--profile`.",
  },
  "no-id": {
    cause: "The id of a task is an empty text.",
    remedy: "`ferry tasks` lists the tasks with their ids.",
  },
  "no-local-host": {
    cause: "No local host answers.",
    remedy: "Start one with `npm run local`. If it has another port than its default, set `FERRY_LOCAL`.",
  },
  "no-region": {
    cause: "No region is configured.",
    remedy: "Give `--region`, or set `AWS_REGION`.",
  },
  "no-stage": {
    cause: "No stage is named.",
    remedy: "Give `--stage` or `--local`, or set `FERRY_STAGE`.",
  },
  "no-such-stage": {
    cause: "The account has no stage of this name in the region.",
    remedy: "Check `--stage`, `--region` and `--profile`. `ferry doctor` shows what is deployed.",
  },
  "not-cancellable": {
    cause: "The task is in a state in which it cannot be cancelled.",
    remedy: "The hint says what to do in this state.",
  },
  "not-deployed": {
    cause: "`ferry doctor` did not find a resource of the stage.",
    remedy: "Check `--stage`, `--region` and `--profile`, or deploy the stage.",
  },
  "not-running": {
    cause: "`ferry doctor` found a table that is not `ACTIVE`, or a Pipe that does not run.",
    remedy: "The hint says what to do.",
  },
  unexpected: {
    cause: "A fault of the `ferry` command.",
    remedy: "Run it again with `--debug`, and report the stack trace.",
  },
  usage: {
    cause: "The command's arguments or options are wrong, or contradict each other.",
    remedy: "Correct them; the hint has an example, or names the command's `--help`.",
  },
  "wrong-clock": {
    cause: "The clock of this machine differs from that of AWS.",
    remedy: "Set the clock, then run the command again.",
  },
} as const satisfies Readonly<Record<string, ClientCodeEntry>>;

/** What `code` of a ClientError may be. */
export type ClientErrorCode = ErrorCode | keyof typeof clientErrorCodes;
