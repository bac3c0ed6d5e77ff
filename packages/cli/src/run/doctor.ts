import { openAccess } from "@ferry/client/access";
import { examine } from "@ferry/client/stage/doctor";
import { definedFields } from "@ferry/core/defined-fields";
import type { RunCommand } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { textOption } from "../input.ts";
import { regionOfTable } from "./read-archive.ts";

export const run: RunCommand = async ({ options }, { stage, output }) => {
  const { table: name, tableRegion, bucket } = options;
  const table =
    typeof name === "string"
      ? { name, region: await regionOfTable(name, tableRegion, openAccess(stage).region) }
      : undefined;
  const marks = {
    ok: output.styled("green", "✓"),
    warning: output.styled("yellow", "!"),
    failed: output.styled("red", "✗"),
    skipped: output.styled("dim", "-"),
  };
  let failures = 0;
  for await (const check of examine(stage, definedFields({ table, bucket: textOption(bucket) }))) {
    output.value(check);
    output.line(`${marks[check.state]} ${check.name}: ${check.detail}`);
    if (check.hint !== undefined) output.line(`  ${check.hint}`);
    if (check.state === "failed") failures++;
  }
  return failures === 0 ? exitCodes.done : exitCodes.failed;
};
