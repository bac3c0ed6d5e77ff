import { openAccess } from "@ferry/client/access";
import type { ListedArchive } from "@ferry/client/archive/list-archives";
import { type KeepRules, parsePeriod } from "@ferry/client/prune/keep-rules";
import type { PruneDecision } from "@ferry/client/prune/plan-prune";
import { type Prune, preparePrune } from "@ferry/client/prune/prune";
import type { RemovedArchive } from "@ferry/client/prune/remove-archive";
import { parseS3Url } from "@ferry/client/s3-url";
import { openStage } from "@ferry/client/stage/stage";
import { definedFields } from "@ferry/core/defined-fields";
import { openProgress } from "@ferry/terminal/progress";
import type { RunCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { countText, minute, plural, size } from "../format.ts";
import type { Input } from "../input.ts";
import { wholeNumberOption } from "../option-values.ts";
import type { Output } from "../output.ts";
import { columns } from "../table.ts";
import { tableOfArn } from "./task-text.ts";

/** What --json prints of an archive. */
export type PrunedArchive = Pick<ListedArchive, "url" | "tableArn" | "startedTime"> &
  Pick<PruneDecision, "decision" | "reasons"> &
  Partial<RemovedArchive>;

export const run: RunCommand = async (input, context) => {
  const { output, stage: stageOptions } = context;
  const { dryRun, exports, yes } = input.options;
  const place = parseS3Url(input.arguments[0] ?? "");
  const hasStage = stageOptions.stage !== undefined || stageOptions.local !== undefined;
  const stage = hasStage ? await openStage(stageOptions) : undefined;
  const asked = definedFields({ rules: rulesOf(input), exports: exports === true, stage });
  const prune = await preparePrune(stage?.access ?? openAccess(context.access), place, asked);
  const { decisions } = prune;
  const removed = decisions.filter(({ decision }) => decision === "remove");
  for (const decision of dryRun === true ? decisions : decisions.filter((one) => !removed.includes(one)))
    output.value(shapeOf(decision));
  printDecisions(decisions, output);
  output.note(
    stage === undefined
      ? "No stage was given, so tasks were not looked at: one that reads or writes an archive does not keep it."
      : `Of tasks, only those of stage ${stage.name} in ${stage.region} keep an archive: those of other stages and accounts are not seen.`,
  );
  if (removed.length === 0) {
    output.note("Nothing to remove.");
    return exitCodes.done;
  }
  output.note(versionsNote(prune));
  if (dryRun === true) {
    output.note("Nothing was removed (--dry-run).");
    return exitCodes.done;
  }
  const question = `${plural(removed.length, "archive")} of ${decisions.length} under ${input.arguments[0]} will be removed.`;
  if (
    yes !== true &&
    !(await confirm(question, context, "Nothing was removed. Give --yes to remove without a question."))
  ) {
    output.note("Nothing was removed.");
    return exitCodes.refused;
  }
  return removeAll(prune, removed, context);
};

/** Removes the archives and prints each. */
async function removeAll(
  prune: Prune,
  removed: readonly PruneDecision[],
  { output }: Context,
): Promise<ExitCode> {
  const ended: PrunedArchive[] = [];
  await openProgress(output.json).track(
    `Remove ${plural(removed.length, "archive")}`,
    removed.length,
    async (onArchives) => {
      for await (const { decision, removed: done } of prune.remove()) {
        ended.push({ ...shapeOf(decision), ...done });
        onArchives(ended.length);
      }
    },
    "archives",
  );
  for (const archive of ended) {
    const { url, objects = 0, bytes = 0, foreignObjects = 0, errors = [] } = archive;
    output.value(archive);
    const mark = errors.length === 0 ? output.styled("green", "✓") : output.styled("red", "✗");
    output.line(`${mark} ${url}: ${plural(objects, "object")}, ${size(bytes)}`);
    for (const error of errors) output.line(`  ${error}`);
    if (foreignObjects > 0)
      output.line(`  ${plural(foreignObjects, "object does", "objects do")} not belong to it and stay`);
  }
  return ended.every(({ errors = [] }) => errors.length === 0) ? exitCodes.done : exitCodes.failed;
}

function rulesOf({ options }: Input): KeepRules {
  const { keepWithin } = options;
  return definedFields({
    last: wholeNumberOption("--keep-last", options["keepLast"], 7),
    daily: wholeNumberOption("--keep-daily", options["keepDaily"], 7),
    weekly: wholeNumberOption("--keep-weekly", options["keepWeekly"], 7),
    monthly: wholeNumberOption("--keep-monthly", options["keepMonthly"], 7),
    within: typeof keepWithin === "string" ? parsePeriod("--keep-within", keepWithin) : undefined,
  });
}

function shapeOf({ archive, decision, reasons }: PruneDecision): PrunedArchive {
  const { url, tableArn, startedTime } = archive;
  return definedFields({ url, tableArn, startedTime, decision, reasons });
}

function printDecisions(decisions: readonly PruneDecision[], output: Output): void {
  if (decisions.length === 0) return;
  const styles = { keep: "green", remove: "red", leave: "dim" } as const;
  const rows = decisions.map(({ archive, decision, reasons }) => [
    output.styled(styles[decision], decision),
    archive.url,
    archive.tableArn === undefined ? "" : tableOfArn(archive.tableArn),
    archive.startedTime === undefined ? "" : minute(archive.startedTime),
    archive.items === undefined ? "" : countText(archive.items),
    reasons.join("; "),
  ]);
  output.line(
    columns(["", "archive", "table", "started (UTC)", "items", "reason"], rows, ["items"], {
      width: output.width,
      below: ["archive", "reason"],
    }),
  );
}

function versionsNote({ keepsVersions }: Prune): string {
  if (keepsVersions === undefined)
    return "You may not read whether the bucket keeps versions. If it does, the removed objects stay as noncurrent versions.";
  return keepsVersions
    ? "The bucket keeps versions: the removed objects stay as noncurrent versions, and are billed, until a lifecycle rule expires them."
    : "The bucket keeps no versions: what is removed is gone.";
}
