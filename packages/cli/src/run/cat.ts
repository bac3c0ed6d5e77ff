import { once } from "node:events";
import { openAccess } from "@ferry/client/access";
import { archiveItems } from "@ferry/client/archive/archive-items";
import { openGivenKeys } from "@ferry/client/archive/given-keys";
import type { RunCommand } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { textsOption } from "../input.ts";
import { wholeNumberOption } from "../option-values.ts";
import { parsePath, selectValue } from "../select.ts";
import { openGivenArchive } from "./read-archive.ts";

const LINE_FEED = Buffer.from("\n");

export const run: RunCommand = async (input, { access, output }) => {
  const { limit, only, key, select } = input.options;
  const max = wholeNumberOption("--limit", limit, 10) ?? Number.POSITIVE_INFINITY;
  const path = typeof select === "string" ? parsePath(select) : undefined;
  const archive = await openGivenArchive(openAccess(access), input);
  const given =
    only === undefined && key === undefined
      ? undefined
      : await openGivenKeys(archive, { only: textsOption(only) ?? [], whole: textsOption(key) ?? [] });
  const itemsMax = given?.itemsMax ?? Number.POSITIVE_INFINITY;
  let found = 0;
  let printed = 0;
  for await (const item of archiveItems(archive, given?.isWanted)) {
    found++;
    const text = path === undefined ? item : selectValue(item, path);
    if (text !== undefined) {
      await print(text);
      printed++;
    }
    // An archive has each key once.
    if (printed >= max || found >= itemsMax) break;
  }
  if (found > 0 || given === undefined)
    return printed === 0 && given !== undefined ? exitCodes.notFound : exitCodes.done;
  output.note("No item of the archive has such a key.");
  return exitCodes.notFound;
};

/** Waits while the reader of stdout is slower than the archive. */
async function print(text: Uint8Array | string): Promise<void> {
  process.stdout.write(text);
  if (!process.stdout.write(LINE_FEED)) await once(process.stdout, "drain");
}
