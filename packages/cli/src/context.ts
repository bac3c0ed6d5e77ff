/**
 * What every command is given: where to print, whether to ask, and what to talk to.
 */
import type { AccessOptions } from "@ferry/client/access";
import type { StageOptions } from "@ferry/client/stage/stage";
import { definedFields } from "@ferry/core/defined-fields";
import { localHost } from "@ferry/core/local-host";
import type { Command } from "commander";
import { type Input, textOption } from "./input.ts";
import { type Output, openOutput } from "./output.ts";
import { pasteable } from "./pasteable.ts";

export interface Context {
  readonly output: Output;
  /** Whether a person can answer a question. */
  readonly interactive: boolean;
  readonly access: AccessOptions;
  readonly stage: StageOptions;
  /** The whole parser, which the shell completion reads. */
  readonly program: Command;
}

/** The context of one call, from its options and the environment. */
export function contextOf({ options }: Input, env: NodeJS.ProcessEnv, program: Command): Context {
  // An empty variable counts as one that is not set.
  const stageName = textOption(options["stage"]) ?? (env["FERRY_STAGE"] || undefined);
  const endpoint = env[localHost.variable] || undefined;
  // A stage on the command line has priority over the environment's local host.
  const local =
    options["local"] === true ? (endpoint ?? true) : options["stage"] === undefined ? endpoint : undefined;
  const access: AccessOptions = definedFields({
    local,
    region: textOption(options["region"]),
    profile: textOption(options["profile"]),
  });
  return {
    output: openOutput(options["json"] === true, (text) => pasteable(text, { options }, program, env)),
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true && options["json"] !== true,
    access,
    program,
    stage: definedFields({ ...access, stage: stageName }),
  };
}
