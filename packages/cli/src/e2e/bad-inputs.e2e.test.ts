/**
 * What the ferry command says to bad inputs: a short message, what to do, and an exit code.
 */
import path from "node:path";
import { someItems } from "@ferry/local/e2e/test-client";
import { sharedHost } from "@ferry/local/e2e/test-host";
import type { Host } from "@ferry/local/host";
import { beforeAll, expect, test } from "vitest";
import { oneProcess } from "./one-process.ts";
import { type Ended, endOf, runFerry, startFerry } from "./run-ferry.ts";

let host: Host;
let task = "";

beforeAll(async () => {
  const shared = await sharedHost();
  host = shared.host;
  const { client } = shared;
  await client.createTables("orders", someItems(20));
  await client.putInCopy("orders", someItems(1));
  for (const prefix of ["good", "damaged", "unsealed"])
    await client.runTask({ ...client.backupOf("orders"), "bucket-prefix": prefix }, prefix);
  const [row] = await client.rows(client.backupOf("orders"));
  task = String(row!["task-id"]);
  const [file] = (await client.keys("damaged")).filter((key) => key.endsWith(".gz"));
  await client.putObject(file!, (await client.object(file!)).slice(0, -9));
  await client.deleteObject("unsealed/manifest-summary.json");
});

const commands = oneProcess();

const GOOD = "s3://archives/good";
const SOURCE = ["--table-region", "us-east-1"];
const COPY = ["--table-region", "eu-west-1"];
const backup = (...options: string[]) => ["backup", "orders", "s3://archives/x", ...SOURCE, ...options];
const restore = (...options: string[]) => ["restore", GOOD, "orders", ...COPY, ...options];

/** The local host, or an environment without it. */
type Env = NodeJS.ProcessEnv | "local";
const AWS = { AWS_REGION: "us-east-1" };
const KEYS = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };

interface Row {
  readonly given: string;
  readonly args: readonly string[] | (() => readonly string[]);
  readonly code: number;
  /** The message: what is wrong. */
  readonly says: string | RegExp;
  readonly env?: Env | (() => NodeJS.ProcessEnv);
}

/** A row per exit code, which is run as a process of its own, too: both must print the same. */
const ALSO_AS_PROCESS = [
  "an unknown command",
  "a damaged archive",
  "a stage that does not exist",
  "a table that holds items, and no terminal to ask on",
];
/** `ferry local` is only in a clone, and starts a process, which prints to the streams of the command's process. */
const ONLY_AS_PROCESS = "an invalid port";
const fromSource = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  endOf(startFerry(args, env, path.join(import.meta.dirname, "../main.ts")));

const rows: readonly Row[] = [
  {
    given: "an unknown command",
    args: ["bakcup"],
    code: 2,
    says: "ferry: unknown command 'bakcup'.\nDid you mean backup?",
  },
  {
    given: "no arguments",
    args: ["backup"],
    code: 2,
    says: "ferry backup: missing required argument 'TABLE'.",
  },
  { given: "no destination", args: ["backup", "orders"], code: 2, says: "missing required argument 'S3URL'" },
  { given: "one argument too many", args: ["watch", "a", "b"], code: 2, says: "too many arguments" },
  {
    given: "an unknown option",
    args: backup("--read-unit", "5"),
    code: 2,
    says: "unknown option '--read-unit'.\nDid you mean --read-units?",
  },
  { given: "an option without its value", args: backup("--read-units"), code: 2, says: "argument missing" },
  {
    given: "no S3 URL",
    args: ["backup", "orders", "archives/x"],
    code: 2,
    says: '"archives/x" is not an S3 URL: it does not start with s3://.',
  },
  {
    given: "an S3 URL without a bucket",
    args: ["backup", "orders", "s3:///x"],
    code: 2,
    says: "it names no bucket",
  },
  {
    given: "a bucket's name in capitals",
    args: ["restore", "s3://Archives/x", "orders"],
    code: 2,
    says: "Archives is not a bucket name",
  },
  { given: "an empty id", args: ["status", ""], code: 2, says: "The id of a task is missing" },
  {
    given: "a key that is not whole JSON",
    args: ["cat", GOOD, "--key", "item-1"],
    code: 2,
    says: "--key item-1: it is not JSON",
  },
  {
    given: "a key of no item",
    args: ["cat", GOOD, "--key", '{"id":"none"}'],
    code: 3,
    says: "No item of the archive has such a key.",
  },
  {
    given: "no segments",
    args: backup("--total-segments", "0"),
    code: 2,
    says: "total-segments must be at least 1: got 0.",
  },
  {
    given: "segments that are not a number",
    args: backup("--total-segments", "many"),
    code: 2,
    says: 'total-segments must be a whole number: got "many".',
  },
  {
    given: "half a unit",
    args: backup("--read-units", "0.5"),
    code: 2,
    says: "read-units must be a whole number: got 0.5.",
  },
  {
    given: "another compression",
    args: backup("--compression", "zip"),
    code: 2,
    says: /compression must be .*gzip.*: got "zip"\./,
  },
  {
    given: "a file that is too large",
    args: backup("--batch-bytes", "999999999"),
    code: 2,
    says: "batch-bytes must be at most 268435456",
  },
  {
    given: "a KMS key with a space",
    args: backup("--kms-key-id", "a b"),
    code: 2,
    says: "kms-key-id must be a KMS key id, ARN or alias",
  },
  {
    given: "a short account id",
    args: backup("--bucket-owner", "123"),
    code: 2,
    says: "bucket-owner must be an account id of 12 digits",
  },
  {
    given: "a table's name that is too short",
    args: ["backup", "a", "s3://archives/x"],
    code: 2,
    says: "table-name must be a table name",
  },
  {
    given: "an invalid region",
    args: ["backup", "orders", "s3://archives/x", "--table-region", "here"],
    code: 2,
    says: "table-region must be an AWS region",
  },
  {
    given: "an unknown placeholder",
    args: ["backup", "orders", "s3://archives/{hour}"],
    code: 2,
    says: "bucket-prefix may contain {table}, {date} and {time}: got {hour}.",
  },
  {
    given: "two wrong fields",
    args: backup("--total-segments", "0", "--read-units", "0"),
    code: 2,
    says: "total-segments must be at least 1: got 0.\nread-units must be at least 1: got 0.",
  },
  {
    given: "another restore-mode",
    args: restore("--restore-mode", "overwrite"),
    code: 2,
    says: "restore-mode must be empty-only, merge or if-absent",
  },
  {
    given: "a restore without a prefix",
    args: ["restore", "s3://archives", "orders"],
    code: 2,
    says: "s3://archives names a bucket, not an archive.\n`ferry archives s3://archives` lists",
  },
  {
    given: "--wait and --detach",
    args: backup("--wait", "--detach"),
    code: 2,
    says: "--wait and --detach exclude each other.",
  },
  {
    given: "a table that does not exist",
    args: ["backup", "nothing", "s3://archives/y", "--detach"],
    code: 3,
    says: "no-such-table",
  },
  {
    given: "a bucket that does not exist",
    args: ["backup", "orders", "s3://nothing/y"],
    code: 3,
    says: "There is no bucket nothing.",
  },
  {
    given: "a prefix that is used",
    args: ["backup", "orders", GOOD, ...SOURCE, "--detach"],
    code: 5,
    says: "prefix-taken",
  },
  {
    given: "a used prefix, with --dry-run",
    args: ["backup", "orders", GOOD, ...SOURCE, "--dry-run"],
    code: 5,
    says: /Nothing was sent/,
  },
  { given: "a table that holds items", args: restore("--detach"), code: 5, says: "table-not-empty" },
  {
    given: "a table that holds items, and no terminal to ask on",
    args: restore("--restore-mode", "merge"),
    code: 5,
    says: "orders holds items. The restore overwrites items with the same keys.\nNothing was sent. Give --yes",
  },
  {
    given: "an archive that does not exist",
    args: ["restore", "s3://archives/nothing", "orders", ...COPY, "--detach"],
    code: 3,
    says: "no-manifest",
  },
  {
    given: "an id that no task has",
    args: ["watch", "nothing"],
    code: 3,
    says: "Stage local has no task nothing.\n`ferry tasks` lists",
  },
  {
    given: "a task id that no task has",
    args: ["status", "us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65"],
    code: 3,
    says: "has no task us-east-1-orders@1795399200123",
  },
  { given: "a cancel of no task", args: ["cancel", "nothing"], code: 3, says: "has no task nothing" },
  { given: "a retry of no task", args: ["retry", "nothing"], code: 3, says: "has no task nothing" },
  {
    given: "a cancel of a task that has ended",
    args: () => ["cancel", task],
    code: 5,
    says: "The task is succeeded: only a running task can be cancelled.",
  },
  {
    given: "a retry of a task that has succeeded",
    args: () => ["retry", task],
    code: 5,
    says: "The task is succeeded: only a task that was accepted",
  },
  {
    given: "an unknown state",
    args: ["tasks", "--state", "done"],
    code: 2,
    says: "Allowed choices are requested",
  },
  {
    given: "an invalid time",
    args: ["tasks", "--since", "yesterday"],
    code: 2,
    says: "--since must be like 30m, 12h or 7d",
  },
  {
    given: "an invalid limit",
    args: ["tasks", "--limit", "all"],
    code: 2,
    says: '--limit must be a whole number of at least 1: got "all".',
  },
  {
    given: "a list of a bucket that does not exist",
    args: ["archives", "s3://nothing"],
    code: 3,
    says: "There is no bucket nothing.",
  },
  {
    given: "a bucket in place of an archive",
    args: ["inspect", "s3://archives"],
    code: 2,
    says: "s3://archives names a bucket, not an archive.\n`ferry archives",
  },
  {
    given: "an archive that is not sealed",
    args: ["inspect", "s3://archives/unsealed"],
    code: 3,
    says: "s3://archives/unsealed holds no finished backup or export.",
  },
  {
    given: "a key that is not JSON",
    args: ["cat", GOOD, "--only", "id=1"],
    code: 2,
    says: "--only id=1: it is not JSON",
  },
  {
    given: "a key with another attribute",
    args: ["cat", GOOD, "--only", '{"name":"a"}'],
    code: 2,
    says: "name is not a key attribute; the keys are id (S)",
  },
  {
    given: "an invalid path",
    args: ["cat", GOOD, "--select", "a["],
    code: 2,
    says: "is not a name or [POSITION]",
  },
  {
    given: "a damaged archive",
    args: ["verify", "s3://archives/damaged"],
    code: 1,
    says: /✗ .*1 file is damaged\n.*\(corrupt-file\)/,
  },
  {
    given: "a table to compare with that does not exist",
    args: ["verify", GOOD, "--against", "nothing"],
    code: 3,
    says: "There is no table nothing in eu-central-2.",
  },
  {
    given: "no stage",
    args: ["tasks"],
    code: 2,
    says: "There is no stage.\nGive --stage NAME, or set FERRY_STAGE",
    env: AWS,
  },
  {
    given: "an invalid name of a stage",
    args: ["tasks", "--stage", "a b"],
    code: 2,
    says: "--stage must be the name of a stage",
    env: AWS,
  },
  {
    given: "no region",
    args: ["tasks", "--stage", "production"],
    code: 2,
    says: "There is no region.\nGive --region, or set AWS_REGION.",
    env: {},
  },
  {
    given: "no credentials",
    args: ["tasks", "--stage", "production"],
    code: 2,
    says: "There are no AWS credentials",
    env: AWS,
  },
  {
    given: "a stage that does not exist",
    args: ["tasks", "--stage", "nothing"],
    code: 3,
    says: "There is no stage nothing in us-east-1 in this account.",
    env: () => ({ ...AWS, ...KEYS, AWS_ENDPOINT_URL: host.endpoint }),
  },
  {
    given: "no local host",
    args: ["tasks", "--local"],
    code: 3,
    says: "No local host answers.\nStart one with",
    env: { FERRY_LOCAL: "http://127.0.0.1:9" },
  },
  {
    given: "a local host that is not a URL",
    args: ["tasks"],
    code: 2,
    says: "FERRY_LOCAL must be the URL of the local host",
    env: { FERRY_LOCAL: "4650" },
  },
  {
    given: "a request-id with a space",
    args: backup("--request-id", "a b"),
    code: 2,
    says: 'request-id must be 1 to 100 of A-Z a-z 0-9 _ . : -: got "a b".\nNothing was sent.',
  },
  {
    given: "an unknown type of event",
    args: ["events", "--type", "TaskDone"],
    code: 2,
    says: "Allowed choices are TaskRequested, TaskCancelRequested",
  },
  {
    given: "a bus that does not exist",
    args: ["events", "--stage", "nothing"],
    code: 3,
    says: "There is no stage nothing in us-east-1 in this account.\nCheck --stage",
    env: () => ({ ...AWS, ...KEYS, AWS_ENDPOINT_URL: host.endpoint }),
  },
  {
    given: "a stage that is not deployed",
    args: ["doctor", "--stage", "nothing"],
    code: 1,
    says: "✗ backup-table: There is no table ferry-nothing-backup-table in us-east-1.\n  Check its name",
    env: () => ({ ...AWS, ...KEYS, AWS_ENDPOINT_URL: host.endpoint }),
  },
  {
    given: "no stage to check",
    args: ["doctor"],
    code: 1,
    says: "✗ set-up: There is no stage.\n  Give --stage NAME",
    env: AWS,
  },
  {
    given: "a table to estimate that does not exist",
    args: ["estimate", "nothing", ...SOURCE],
    code: 3,
    says: "There is no table nothing in us-east-1.\nCheck its name",
  },
  {
    given: "an unknown shell",
    args: ["completion", "klingon"],
    code: 2,
    says: "klingon is not a shell that can be completed.\nName one of bash",
  },
  {
    given: "an invalid port",
    args: ["local", "--port", "x"],
    code: 2,
    says: "It must be a whole number from 0 to 65535: got x",
  },
  {
    given: "a profile that does not exist",
    args: ["tasks", "--stage", "production", "--profile", "nothing"],
    code: 2,
    says: /There are no AWS credentials: .*\nThe profile nothing has none, or does not exist: `aws configure list-profiles`/,
    env: AWS,
  },
  {
    given: "no items to print",
    args: ["cat", GOOD, "--limit", "0"],
    code: 2,
    says: '--limit must be a whole number of at least 1: got "0".\nFor instance --limit 10.',
  },
];

test("there are at least 30 bad inputs", () => {
  expect(new Set(rows.map(({ says }) => String(says))).size).toBeGreaterThan(30);
});

test("the rows that are run as processes have each exit code", () => {
  const codes = (given: readonly Row[]) => [...new Set(given.map(({ code }) => code))].sort();
  expect(codes(rows.filter(({ given }) => ALSO_AS_PROCESS.includes(given)))).toEqual(codes(rows));
});

test.each(rows)("given $given: exit code $code", async (row) => {
  const { given, code, says } = row;
  const ended = await (given === ONLY_AS_PROCESS ? run(row, fromSource) : run(row));
  if (ALSO_AS_PROCESS.includes(given))
    expect(withoutDurations(await run(row, runFerry))).toEqual(withoutDurations(ended));
  const text = `${ended.stdout}${ended.stderr}`;
  if (typeof says === "string") expect(text).toContain(says);
  else expect(text).toMatch(says);
  expect(ended.code).toBe(code);
  // Short, and no stack trace.
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  expect(ended.stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(5);
});

function withoutDurations({ stderr, ...ended }: Ended): Ended {
  return { ...ended, stderr: stderr.replaceAll(/in [\d.]+ s$/gm, "in N s") };
}

function run({ args, env = "local" }: Row, runner = commands.run) {
  return runner(
    typeof args === "function" ? args() : args,
    env === "local" ? { FERRY_LOCAL: host.endpoint } : typeof env === "function" ? env() : env,
  );
}
