import { openAccess } from "@ferry/client/access";
import { type ComparedTable, openComparison } from "@ferry/client/archive/compare-table";
import { type VerifiedArchive, verifyArchive } from "@ferry/client/archive/verify-archive";
import { definedFields } from "@ferry/core/defined-fields";
import { openProgress } from "@ferry/terminal/progress";
import type { RunCommand } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { countText, plural, size } from "../format.ts";
import { wholeNumberOption } from "../option-values.ts";
import type { Output } from "../output.ts";
import { openGivenArchive, regionOfTable } from "./read-archive.ts";

export const run: RunCommand = async (input, { access: options, output }) => {
  const { against, tableRegion, readUnits, list } = input.options;
  const listMax = wholeNumberOption("--list", list, 100, 0);
  const units = wholeNumberOption("--read-units", readUnits, 1000);
  const access = openAccess(options);
  const archive = await openGivenArchive(access, input);
  const { items } = archive.manifest;
  const progress = openProgress(output.json);
  let readItems = (_: number) => {};
  const comparison =
    typeof against === "string"
      ? await openComparison(
          access,
          archive,
          { name: against, region: await regionOfTable(against, tableRegion, access.region) },
          definedFields({ onItems: (read: number) => readItems(read), listMax, readUnits: units }),
        )
      : undefined;
  const verified = await progress.track(
    `Read ${plural(archive.files.length, "data file")}`,
    items,
    (onItems) => verifyArchive(archive, definedFields({ onItems, onBlock: comparison?.onBlock })),
  );
  printArchive(verified, output);
  if (comparison === undefined || verified.problems.length > 0) {
    output.value({ archive: verified });
    if (comparison !== undefined)
      output.note("The table was not compared: a damaged archive proves nothing.");
    return verified.problems.length === 0 ? exitCodes.done : exitCodes.failed;
  }
  const compared = await progress.track(`Read table ${against}`, items, (onItems) => {
    readItems = onItems;
    return comparison.finish();
  });
  output.value({ archive: verified, table: compared });
  printTable(compared, output);
  return compared.changed + compared.missing + compared.extra === 0 ? exitCodes.done : exitCodes.failed;
};

function printArchive({ url, files, items, bytes, problems }: VerifiedArchive, output: Output): void {
  if (problems.length === 0) {
    output.line(
      `${output.styled("green", "✓")} ${url}: ${plural(files, "data file")}, ${plural(items, "item")}, ${size(bytes)}, as the manifest lists them`,
    );
    return;
  }
  output.line(
    `${output.styled("red", "✗")} ${url}: ${plural(problems.length, "file is", "files are")} damaged`,
  );
  for (const { code, message } of problems) output.line(`  ${message} (${code})`);
}

function printTable(compared: ComparedTable, output: Output): void {
  const { table, changed, missing, extra, differences, archiveItems, tableItems } = compared;
  const name = `${table.name} in ${table.region}`;
  if (changed + missing + extra === 0) {
    output.line(
      `${output.styled("green", "✓")} ${name}: ${plural(tableItems, "item")}, all equal to the archive's`,
    );
    return;
  }
  output.line(
    `${output.styled("red", "✗")} ${name} holds ${plural(tableItems, "item")}, the archive ${countText(archiveItems)}: ${countText(changed)} changed, ${countText(missing)} missing, ${countText(extra)} extra`,
  );
  for (const { kind, key } of differences) output.line(`  ${kind.padEnd(7)}  ${JSON.stringify(key)}`);
  const more = changed + missing + extra - differences.length;
  if (more > 0) output.line(`  and ${countText(more)} more: --list shows them`);
}
