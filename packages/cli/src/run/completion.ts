import { ClientError } from "@ferry/client/client-error";
import type { RunCommand } from "../command.ts";
import { completerOf } from "../complete.ts";

const SHELLS = ["bash", "zsh", "fish", "powershell"];

export const run: RunCommand = async ({ arguments: [shell = ""] }, { program }) => {
  if (!SHELLS.includes(shell))
    throw new ClientError("usage", "usage", {
      message: `${shell} is not a shell that can be completed.`,
      hint: `Name one of ${SHELLS.join(", ")}.`,
    });
  completerOf(program).setup("ferry", "ferry", shell);
};
