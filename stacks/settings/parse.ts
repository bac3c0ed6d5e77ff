/** Parses the operator's settings. Invalid settings give one error that lists every problem. */
import { parseRequest } from "@ferry/core/request";
import { STAGE_NAME } from "@ferry/core/topology";
import * as v from "valibot";
import { longestGapMinutes } from "./longest-gap.ts";
import { scheduleEntries } from "./schedule-entries.ts";
import {
  type Access,
  type Schedule,
  type StageSettings,
  type StageSettingsInput,
  stageSchema,
  type Table,
} from "./schema.ts";

/** A role's inline policies may have 10,240 characters. This leaves room for everything besides the lists' ARNs. */
const ARNS_LENGTH_MAX = 7_500;

export type Stages = Readonly<Record<string, StageSettingsInput>>;

/** The time that a slice needs after its budget to put its last batch and report, before Lambda ends the invocation. */
const SLICE_MARGIN_SECONDS = 60;

/**
 * The memory that a restore worker needs besides two files, one of them not yet garbage-collected: Node, the SDK, open
 * calls.
 */
const WORKER_MB_MIN = 256;
const MIB = 1024 ** 2;

/**
 * Whether the stage's data is kept when its stack is removed. It works before the settings are checked. `production-eu`
 * counts as production.
 */
export function isProtected(stages: Stages, stage: string): boolean {
  return stages[stage]?.protect ?? /^production(-|$)/.test(stage);
}

/** Parses a stage's settings. Throws one error that names every wrong field. `dev`: the stage is for `sst dev`. */
export function parseStage(stages: Stages, stage: string, dev: boolean): StageSettings {
  if (!STAGE_NAME.test(stage))
    throw new Error(
      `Stage "${stage}" cannot be used: a stage's name is part of every resource's name, so it must be 1 to 30 characters of a-z 0-9 - and begin with a letter. Choose another with --stage.`,
    );
  const input = Object.hasOwn(stages, stage) ? stages[stage] : undefined;
  if (input === undefined)
    throw new Error(
      `Stage "${stage}" has no settings: add it to stacks/stages.ts (there are: ${Object.keys(stages).join(", ") || "none"}).`,
    );
  const protect = isProtected(stages, stage);
  if (dev && protect)
    throw new Error(
      `Stage "${stage}" is protected, so "sst dev" is refused: it replaces the stage's functions with a stub that reports success while no developer's machine answers, and SQS then deletes the stage's messages. Use a stage of your own (docs/sst-dev.md).`,
    );
  const parsed = v.safeParse(stageSchema, input);
  const issues = parsed.success ? contradictions(parsed.output, protect) : parsed.issues.map(describe);
  if (!parsed.success || issues.length > 0)
    throw new Error(
      [
        `The settings of stage "${stage}" in stacks/stages.ts cannot be used:`,
        ...issues.map((issue) => `  - ${issue}`),
      ].join("\n"),
    );
  return { ...parsed.output, protect };
}

function describe(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue as v.BaseIssue<unknown>) ?? "the stage";
  if (issue.type === "strict_object" && issue.expected === "never") return `${field}: no such setting`;
  if (issue.type === "strict_object" && issue.input === undefined) return `${field}: required, but missing`;
  // The schema's own messages do not include the value; valibot's do.
  const showValue = typeof issue.input === "string" && !issue.message.includes("received");
  return `${field}: ${issue.message}${showValue ? `, not ${JSON.stringify(issue.input)}` : ""}`;
}

/** Problems that involve more than one field. */
function contradictions(settings: v.InferOutput<typeof stageSchema>, protect: boolean): string[] {
  const issues: string[] = [];
  if (protect && settings.alarmEmail === undefined)
    issues.push(
      'alarmEmail: required, but missing, because the stage is protected. Name the address that receives its alarms, or write "none" if something else reads them.',
    );
  const empty = (["backup", "restore"] as const).flatMap((action) =>
    (["tables", "buckets"] as const)
      .filter((list) => settings[action][list].length === 0)
      .map((list) => `${action}.${list}`),
  );
  if (empty.length > 0)
    issues.push(
      `${empty.join(", ")}: empty. Ferry may use only the tables and buckets that are listed; name them.`,
    );
  for (const [name, worker] of [
    ["backupWorker", settings.backupWorker],
    ["restoreWorker", settings.restoreWorker],
  ] as const)
    if (worker.timeoutSeconds < settings.sliceBudgetSeconds + SLICE_MARGIN_SECONDS)
      issues.push(
        `${name}.timeoutSeconds: ${worker.timeoutSeconds}, but must be at least ${SLICE_MARGIN_SECONDS} more than sliceBudgetSeconds (${settings.sliceBudgetSeconds}), so that a slice can finish.`,
      );
  const restoreMbMin = WORKER_MB_MIN + Math.ceil((2 * settings.maximumFileBytesInMemory) / MIB);
  if (settings.restoreWorker.memoryMb < restoreMbMin)
    issues.push(
      `restoreWorker.memoryMb: ${settings.restoreWorker.memoryMb}, but maximumFileBytesInMemory (${settings.maximumFileBytesInMemory}) needs at least ${restoreMbMin}. Raise the memory, or lower maximumFileBytesInMemory: larger files are then read twice.`,
    );
  const { concurrency, reservedConcurrency = concurrency } = settings.projector;
  if (reservedConcurrency < concurrency)
    issues.push(
      `projector.reservedConcurrency: ${reservedConcurrency}, but must be at least projector.concurrency (${concurrency}), or Lambda throttles the projector.`,
    );
  if (settings.ownKmsKey !== undefined && settings.ownKmsKey.split(":")[3] !== settings.region)
    issues.push(
      `ownKmsKey: ${settings.ownKmsKey} is not in ${settings.region}, where Ferry's tables and queues are.`,
    );
  for (const action of ["backup", "restore"] as const) issues.push(...listProblems(action, settings[action]));
  const listed = new Set(settings.backup.tables.map(displayName));
  for (const schedule of settings.schedules) {
    for (const table of schedule.tables)
      if (!listed.has(displayName(table)))
        issues.push(`schedules.${schedule.name}: ${displayName(table)} is not in backup.tables.`);
    for (const name of repeated(schedule.tables.map(bareName)))
      issues.push(
        `schedules.${schedule.name}: two tables are named ${name}, so their archives would have the same prefix; give each its own schedule with its own bucket-prefix.`,
      );
    const { "bucket-name": bucket, "kms-key-id": key } = schedule.request;
    if (!settings.backup.buckets.includes(bucket))
      issues.push(`schedules.${schedule.name}: ${bucket} is not in backup.buckets.`);
    if (key !== undefined && !settings.backup.kmsKeys.includes(key))
      issues.push(
        `schedules.${schedule.name}: ${key} is not in backup.kmsKeys; name the key by its ARN there.`,
      );
    issues.push(...expressionProblems(schedule), ...requestProblems(schedule, settings));
  }
  for (const name of repeated(settings.schedules.map((schedule) => schedule.name)))
    issues.push(`schedules: two schedules are named ${name}.`);
  return issues;
}

/** Problems of lists with repeated names, and of lists that exceed a role's policy. */
function listProblems(action: "backup" | "restore", access: Access): string[] {
  const { tables, buckets, kmsKeys } = access;
  const repeatedNames = Object.entries({ tables: tables.map(displayName), buckets, kmsKeys }).flatMap(
    ([list, names]) => [...repeated(names)].map((name) => `${action}.${list}: ${name} is listed twice.`),
  );
  // The policy names a bucket three times: once by its own ARN, repeatedNames by its objects'.
  const length = [
    ...tables.map(arnOf),
    ...buckets.flatMap((name) => Array(3).fill(`arn:aws:s3:::${name}/*`)),
    ...kmsKeys,
  ]
    .map((arn: string) => arn.length + 3)
    .reduce((sum, one) => sum + one, 0);
  return length <= ARNS_LENGTH_MAX
    ? repeatedNames
    : [
        ...repeatedNames,
        `${action}: ${tables.length} tables, ${buckets.length} buckets and ${kmsKeys.length} keys make the role's policy larger than AWS allows; deploy another stage for some of them.`,
      ];
}

/** Problems of the times at which a schedule runs. */
function expressionProblems({ name, expression }: Schedule): string[] {
  try {
    return longestGapMinutes(expression) === undefined
      ? [
          `schedules.${name}.expression: ${expression} runs less than twice. Put a TaskRequested event for a single backup.`,
        ]
      : [];
  } catch (error) {
    return [`schedules.${name}.expression: ${expression} cannot be used: ${(error as Error).message}`];
  }
}

/** Problems for which every run of a schedule would be rejected. */
function requestProblems(
  schedule: Schedule,
  { maximumSegments, compression }: v.InferOutput<typeof stageSchema>,
): string[] {
  const issues = scheduleEntries(schedule).flatMap(({ detail }) => {
    const parsed = parseRequest(detail.request, { requestTimeMs: 0, maximumSegments, compression });
    return "issues" in parsed ? parsed.issues : [];
  });
  return [...new Set(issues.map((issue) => `schedules.${schedule.name}.request: ${issue.message}`))];
}

const repeated = (names: readonly string[]) =>
  new Set(names.filter((name, at) => names.indexOf(name) !== at));
const bareName = (table: Table) =>
  typeof table === "string" ? table.slice(table.lastIndexOf("/") + 1) : table.name;
const arnOf = (table: Table) =>
  typeof table === "string" ? table : `arn:aws:dynamodb:${table.region}:111111111111:table/${table.name}`;

/** A table's name in messages. */
const displayName = (table: Table): string =>
  typeof table === "string" ? table : `${table.region}/${table.name}`;
