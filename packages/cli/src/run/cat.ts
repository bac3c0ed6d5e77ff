import { once } from "node:events";
import { openAccess } from "@ferry/client/access";
import { archiveItems, keyFilter } from "@ferry/client/archive/archive-items";
import type { RunCommand } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { wholeNumberOption } from "../option-values.ts";
import { parsePath, selectValue } from "../select.ts";
import { openGivenArchive } from "./read-archive.ts";

const LINE_FEED = Buffer.from("\n");

export const run: RunCommand = async (input, { access }) => {
  const { limit, key, select } = input.options;
  const max = limit === undefined ? Number.POSITIVE_INFINITY : wholeNumberOption("--limit", limit, 10);
  const path = typeof select === "string" ? parsePath(select) : undefined;
  const archive = await openGivenArchive(openAccess(access), input);
  const isWanted = typeof key === "string" ? keyFilter(archive, key) : () => true;
  let printed = 0;
  for await (const item of archiveItems(archive)) {
    if (!isWanted(item)) continue;
    const text = path === undefined ? item : selectValue(item, path);
    if (text === undefined) continue;
    await print(text);
    if (++printed >= max) break;
    // An archive has each key once.
    if (typeof key === "string") break;
  }
  return printed === 0 && typeof key === "string" ? exitCodes.notFound : exitCodes.done;
};

/** Waits while the reader of stdout is slower than the archive. */
async function print(text: Uint8Array | string): Promise<void> {
  process.stdout.write(text);
  if (!process.stdout.write(LINE_FEED)) await once(process.stdout, "drain");
}
