/** Parses the operator's settings. Invalid settings give one error that lists every problem. */
import { STAGE_NAME } from "@ferry/core/topology";
import * as v from "valibot";
import { contradictions } from "./contradictions.ts";
import { type StageSettings, type StageSettingsInput, stageSchema } from "./schema.ts";

/** The file with the stages' settings, from the repository's root. */
export const STAGES_FILE = "stacks/stages.ts";

export type Stages = Readonly<Record<string, StageSettingsInput>>;

/**
 * Whether the stage's data is kept when its stack is removed. It works before the settings are checked. `production-eu`
 * counts as production.
 */
export function isProtected(stages: Stages, stage: string): boolean {
  return stages[stage]?.protect ?? /^production(-|$)/.test(stage);
}

/**
 * Parses a stage's settings. Throws one error that names every wrong field. `dev`: the stage is for `sst dev`. `file`: the
 * settings' file, for messages.
 */
export function parseStage(stages: Stages, stage: string, dev: boolean, file = STAGES_FILE): StageSettings {
  if (!STAGE_NAME.test(stage))
    throw new Error(
      `Stage "${stage}" cannot be used: a stage's name is part of every resource's name, so it must be 1 to 30 characters of a-z 0-9 - and begin with a letter. Choose another with --stage.`,
    );
  const input = Object.hasOwn(stages, stage) ? stages[stage] : undefined;
  if (input === undefined)
    throw new Error(
      `Stage "${stage}" has no settings: add it to ${file} (there are: ${Object.keys(stages).join(", ") || "none"}).`,
    );
  const protect = isProtected(stages, stage);
  if (dev && protect)
    throw new Error(
      `Stage "${stage}" is protected, so "sst dev" is refused: it replaces the stage's functions with a stub that reports success while no developer's machine answers, and SQS then deletes the stage's messages. Use a stage of your own (docs/sst-dev.md).`,
    );
  const { settings, issues } = parseAll(input, protect);
  if (issues.length > 0)
    throw new Error(
      [
        `The settings of stage "${stage}" in ${file} cannot be used:`,
        ...issues.map((issue) => `  - ${issue}`),
      ].join("\n"),
    );
  return { ...settings, protect };
}

type Issue = v.InferIssue<typeof stageSchema>;
const isUnknown = (issue: Issue) => issue.type === "strict_object" && issue.expected === "never";

/** Valid values in place of malformed settings that have no default. No check reads them. */
const PLACEHOLDERS = { account: "000000000000", region: "us-east-1" };

/**
 * Parses settings, and names the problems of single fields together with those that involve several, so that one deploy shows
 * all of them. The settings may be used only if there is no issue.
 */
function parseAll(input: StageSettingsInput, protect: boolean) {
  const rest = structuredClone(input);
  const unknown: Issue[] = [];
  let parsed = v.safeParse(stageSchema, rest);
  // Valibot reports only the first unknown setting of an object. It is removed and the rest is parsed again.
  for (let found = parsed.issues?.filter(isUnknown) ?? []; found.length > 0; ) {
    unknown.push(...found);
    for (const { path } of found) {
      const { input: owner, key } = path!.at(-1)!;
      delete (owner as Record<string, unknown>)[key as string];
    }
    parsed = v.safeParse(stageSchema, rest);
    found = parsed.issues?.filter(isUnknown) ?? [];
  }
  const malformed = new Set((parsed.issues ?? []).map(({ path }) => String(path?.[0]?.key)));
  // A stage that is not an object has one issue, without a path.
  const wellFormed = v.is(v.record(v.string(), v.unknown()), rest)
    ? Object.entries(rest).filter(([name]) => !malformed.has(name))
    : [];
  const settings = v.parse(stageSchema, { ...PLACEHOLDERS, ...Object.fromEntries(wellFormed) });
  return {
    settings,
    issues: [
      ...[...unknown, ...(parsed.issues ?? [])].map(describe),
      ...contradictions(settings, protect, malformed),
    ],
  };
}

function describe(issue: Issue): string {
  const field = v.getDotPath(issue) ?? "the stage";
  if (isUnknown(issue)) return `${field}: no such setting`;
  if (issue.type === "strict_object" && issue.input === undefined) return `${field}: required, but missing`;
  // The schema's own messages do not include the value; valibot's do.
  const showValue = typeof issue.input === "string" && !issue.message.includes("received");
  return `${field}: ${issue.message}${showValue ? `, not ${JSON.stringify(issue.input)}` : ""}`;
}
