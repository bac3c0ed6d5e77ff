/**
 * Asks a person before something that cannot be undone.
 */
import { createInterface } from "node:readline/promises";
import { ClientError } from "@ferry/client/client-error";
import type { Context } from "./context.ts";

/** Whether the person answers yes. ClientError `needs-yes` with this hint, if there is no terminal. */
export async function confirm(question: string, { interactive }: Context, hint: string): Promise<boolean> {
  if (!interactive)
    throw new ClientError("refused", "needs-yes", {
      message: question,
      hint,
    });
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} Continue? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    // Ctrl-C or Ctrl-D at the question: an answer, too.
    if (!(error instanceof Error && error.name === "AbortError")) throw error;
    process.stderr.write("\n");
    return false;
  } finally {
    terminal.close();
  }
}
