import { ClientError } from "@ferry/client/client-error";
import type { RunCommand } from "../command.ts";
import { completer } from "../complete.ts";
import { exitCodes } from "../exit-codes.ts";

const SHELLS = ["bash", "zsh", "fish", "powershell"];

export const run: RunCommand = async ({ arguments: [shell = ""] }) => {
  if (!SHELLS.includes(shell))
    throw new ClientError("usage", "usage", {
      message: `${shell} is not a shell that can be completed.`,
      hint: `Name one of ${SHELLS.join(", ")}.`,
    });
  completer().setup("ferry", "ferry", shell);
  return exitCodes.done;
};
