/**
 * From what the operator wrote to what the stacks build from, or one message that tells everything that is wrong.
 */
import * as v from "valibot";
import { type StageSettings, type StageSettingsInput, stageSchema, type Table } from "./schema.ts";

/** A role's inline policies may have 10,240 characters; this leaves room for what is not tables. */
const TABLE_ARNS_LENGTH_MAX = 7_500;

export type Stages = Readonly<Record<string, StageSettingsInput>>;

/** AWS stops an invocation dead: a slice needs this long after its budget to put its last batch and report. */
const SLICE_MARGIN_SECONDS = 60;

/** Whether the stage's data outlives its stack; asked before the settings are checked. */
export function isProtected(stages: Stages, stage: string): boolean {
  return stages[stage]?.protect ?? stage === "production";
}

/** Reads a stage's settings. Throws an error that names every field that is wrong. */
export function parseStage(stages: Stages, stage: string): StageSettings {
  const input = stages[stage];
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
  return `${field}: ${issue.message}`;
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
  for (const action of ["backup", "restore"] as const)
    if (
      settings[action].tables.map(arnLength).reduce((sum, length) => sum + length, 0) > TABLE_ARNS_LENGTH_MAX
    )
      issues.push(
        `${action}.tables: ${settings[action].tables.length} tables make the role's policy larger than AWS takes; deploy another stage for some of them.`,
      );
  const listed = new Set(settings.backup.tables.map(keyOf));
  for (const schedule of settings.schedules) {
    for (const table of schedule.tables)
      if (!listed.has(keyOf(table)))
        issues.push(`schedules.${schedule.name}: ${keyOf(table)} is not in backup.tables.`);
    for (const name of repeated(schedule.tables.map(bareName)))
      issues.push(
        `schedules.${schedule.name}: two tables are named ${name} and would meet in one prefix; give each a schedule with a bucket-prefix of its own.`,
      );
    if (!settings.backup.buckets.includes(schedule.request["bucket-name"]))
      issues.push(`schedules.${schedule.name}: ${schedule.request["bucket-name"]} is not in backup.buckets.`);
  }
  for (const name of repeated(settings.schedules.map((schedule) => schedule.name)))
    issues.push(`schedules: two are named ${name}.`);
  return issues;
}

const repeated = (names: readonly string[]) =>
  new Set(names.filter((name, at) => names.indexOf(name) !== at));
const bareName = (table: Table) =>
  typeof table === "string" ? table.slice(table.lastIndexOf("/") + 1) : table.name;
const arnLength = (table: Table) =>
  (typeof table === "string" ? table : `arn:aws:dynamodb:${table.region}:111111111111:table/${table.name}`)
    .length + 3;

/** What a table is listed as. */
const keyOf = (table: Table): string => (typeof table === "string" ? table : `${table.region}/${table.name}`);
