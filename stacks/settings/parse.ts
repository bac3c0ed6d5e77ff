/**
 * From what the operator wrote to what the stacks build from, or one message that tells everything that is wrong.
 */
import * as v from "valibot";
import { type StageSettings, type StageSettingsInput, stageSchema, type Table } from "./schema.ts";

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
  const listed = new Set(settings.backup.tables.map(keyOf));
  for (const schedule of settings.schedules) {
    for (const table of schedule.tables)
      if (!listed.has(keyOf(table)))
        issues.push(`schedules.${schedule.name}: ${keyOf(table)} is not in backup.tables.`);
    if (!settings.backup.buckets.includes(schedule.request["bucket-name"]))
      issues.push(`schedules.${schedule.name}: ${schedule.request["bucket-name"]} is not in backup.buckets.`);
  }
  const names = settings.schedules.map((schedule) => schedule.name);
  for (const name of new Set(names.filter((name, at) => names.indexOf(name) !== at)))
    issues.push(`schedules: two are named ${name}.`);
  return issues;
}

/** What a table is listed as. */
const keyOf = (table: Table): string => (typeof table === "string" ? table : `${table.region}/${table.name}`);
