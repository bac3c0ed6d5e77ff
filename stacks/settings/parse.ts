/**
 * From what the operator wrote to what the stacks build from, or one message that tells everything that is wrong.
 */
import { parseRequest } from "@ferry/core/request";
import * as v from "valibot";
import { entriesOf } from "../schedule-entries.ts";
import {
  type Access,
  type Schedule,
  type StageSettings,
  type StageSettingsInput,
  stageSchema,
  type Table,
} from "./schema.ts";

/** A role's inline policies may have 10,240 characters; this leaves room for all that is not ARNs of the lists. */
const ARNS_LENGTH_MAX = 7_500;
/** Every resource has it in its name, and those of roles and Pipes end at 64 characters. */
const STAGE_NAME = /^[a-z][a-z0-9-]{0,29}$/;

export type Stages = Readonly<Record<string, StageSettingsInput>>;

/** AWS stops an invocation dead: a slice needs this long after its budget to put its last batch and report. */
const SLICE_MARGIN_SECONDS = 60;

/** What a restore worker needs besides two files, one of which waits to be collected: Node, the SDK, calls in flight. */
const WORKER_MB_MIN = 256;
const MIB = 1024 ** 2;

/** Whether the stage's data outlives its stack; asked before the settings are checked. `production-eu` is production too. */
export function isProtected(stages: Stages, stage: string): boolean {
  return stages[stage]?.protect ?? /^production(-|$)/.test(stage);
}

/** Reads a stage's settings. Throws an error that names every field that is wrong. */
export function parseStage(stages: Stages, stage: string): StageSettings {
  if (!STAGE_NAME.test(stage))
    throw new Error(
      `Stage "${stage}" cannot be used: a stage's name must be 1 to 30 of a-z 0-9 -, a letter first, since every resource's name holds it. Choose another with --stage.`,
    );
  const input = Object.hasOwn(stages, stage) ? stages[stage] : undefined;
  if (input === undefined)
    throw new Error(
      `Stage "${stage}" has no settings: add it to stacks/stages.ts (there are: ${Object.keys(stages).join(", ") || "none"}).`,
    );
  const parsed = v.safeParse(stageSchema, input);
  const issues = parsed.success ? contradictions(parsed.output) : parsed.issues.map(told);
  if (!parsed.success || issues.length > 0)
    throw new Error(
      [
        `The settings of stage "${stage}" in stacks/stages.ts cannot be used:`,
        ...issues.map((issue) => `  - ${issue}`),
      ].join("\n"),
    );
  return { ...parsed.output, protect: isProtected(stages, stage) };
}

function told(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue as v.BaseIssue<unknown>) ?? "the stage";
  if (issue.type === "strict_object" && issue.expected === "never") return `${field}: no such setting`;
  // The schema's own sentences do not tell what came.
  const came = typeof issue.input === "string" && !issue.message.includes("received");
  return `${field}: ${issue.message}${came ? `, not ${JSON.stringify(issue.input)}` : ""}`;
}

/** What no single field tells. */
function contradictions(settings: v.InferOutput<typeof stageSchema>): string[] {
  const issues: string[] = [];
  const empty = (["backup", "restore"] as const).flatMap((action) =>
    (["tables", "buckets"] as const)
      .filter((list) => settings[action][list].length === 0)
      .map((list) => `${action}.${list}`),
  );
  if (empty.length > 0)
    issues.push(
      `${empty.join(", ")}: empty. Ferry reaches nothing that is not listed; name the tables and buckets it may use.`,
    );
  for (const [name, worker] of [
    ["backupWorker", settings.backupWorker],
    ["restoreWorker", settings.restoreWorker],
  ] as const)
    if (worker.timeoutSeconds < settings.sliceBudgetSeconds + SLICE_MARGIN_SECONDS)
      issues.push(
        `${name}.timeoutSeconds: ${worker.timeoutSeconds}, but sliceBudgetSeconds (${settings.sliceBudgetSeconds}) needs ${SLICE_MARGIN_SECONDS} s more to finish a slice.`,
      );
  const restoreMbMin = WORKER_MB_MIN + Math.ceil((2 * settings.maximumFileBytesInMemory) / MIB);
  if (settings.restoreWorker.memoryMb < restoreMbMin)
    issues.push(
      `restoreWorker.memoryMb: ${settings.restoreWorker.memoryMb}, but maximumFileBytesInMemory (${settings.maximumFileBytesInMemory}) needs ${restoreMbMin} at least; a lower one means that larger files are read twice.`,
    );
  for (const action of ["backup", "restore"] as const) issues.push(...tooMany(action, settings[action]));
  const listed = new Set(settings.backup.tables.map(keyOf));
  for (const schedule of settings.schedules) {
    for (const table of schedule.tables)
      if (!listed.has(keyOf(table)))
        issues.push(`schedules.${schedule.name}: ${keyOf(table)} is not in backup.tables.`);
    for (const name of repeated(schedule.tables.map(bareName)))
      issues.push(
        `schedules.${schedule.name}: two tables are named ${name} and would meet in one prefix; give each a schedule with a bucket-prefix of its own.`,
      );
    const { "bucket-name": bucket, "kms-key-id": key } = schedule.request;
    if (!settings.backup.buckets.includes(bucket))
      issues.push(`schedules.${schedule.name}: ${bucket} is not in backup.buckets.`);
    if (key !== undefined && !settings.backup.kmsKeys.includes(key))
      issues.push(
        `schedules.${schedule.name}: ${key} is not in backup.kmsKeys; name the key by its ARN there.`,
      );
    issues.push(...wouldBeRejected(schedule, settings.maximumSegments));
  }
  for (const name of repeated(settings.schedules.map((schedule) => schedule.name)))
    issues.push(`schedules: two are named ${name}.`);
  return issues;
}

/** A list that names something twice, or more than a role's policy has room for. */
function tooMany(action: "backup" | "restore", access: Access): string[] {
  const { tables, buckets, kmsKeys } = access;
  const twice = Object.entries({ tables: tables.map(keyOf), buckets, kmsKeys }).flatMap(([list, names]) =>
    [...repeated(names)].map((name) => `${action}.${list}: ${name} is listed twice.`),
  );
  // A bucket is named three times, once by its own ARN and twice by its objects'.
  const length = [
    ...tables.map(arnOf),
    ...buckets.flatMap((name) => Array(3).fill(`arn:aws:s3:::${name}/*`)),
    ...kmsKeys,
  ]
    .map((arn: string) => arn.length + 3)
    .reduce((sum, one) => sum + one, 0);
  return length <= ARNS_LENGTH_MAX
    ? twice
    : [
        ...twice,
        `${action}: ${tables.length} tables, ${buckets.length} buckets and ${kmsKeys.length} keys make the role's policy larger than AWS takes; deploy another stage for some of them.`,
      ];
}

/** A request that its plan would reject every night stops the deploy instead. */
function wouldBeRejected(schedule: Schedule, maximumSegments: number): string[] {
  const issues = entriesOf(schedule).flatMap(({ detail }) => {
    const parsed = parseRequest(detail.request, { requestTimeMs: 0, maximumSegments });
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

/** What a table is listed as. */
const keyOf = (table: Table): string => (typeof table === "string" ? table : `${table.region}/${table.name}`);
