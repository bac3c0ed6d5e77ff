/**
 * The shell completion. A shell's script calls `ferry complete -- WORDS`, which main.ts passes on to it.
 */
import tab from "@bomb.sh/tab/commander";
import { buildProgram } from "./program.ts";

/** The completion of all commands and options. */
export function completer(): ReturnType<typeof tab> {
  return tab(buildProgram("", async () => {}));
}
