/**
 * The states of a stage's Pipes, and what to do about one that is not RUNNING.
 */
import { DescribePipeCommand } from "@aws-sdk/client-pipes";
import { nameOf, translateErrors } from "@ferry/aws/errors";
import type { Stage } from "./stage.ts";

export interface PipeState {
  readonly name: string;
  /** EventBridge's state of the Pipe, or `MISSING`. */
  readonly state: string;
  readonly reason: string;
  /** What to do; absent if it is RUNNING. */
  readonly cure?: string;
}

/** The state of a Pipe of the topology. A FerryError, if it cannot be read. */
export async function readPipe({ access, region, name: stage }: Stage, key: string): Promise<PipeState> {
  const name = `ferry-${stage}-${key}`;
  try {
    const { CurrentState: state = "UNKNOWN", StateReason: reason = "no reason given" } =
      await translateErrors({ operation: "DescribePipe", resource: `Pipe ${name}` }, () =>
        access.pipes(region).send(new DescribePipeCommand({ Name: name })),
      );
    return { name, state, reason, ...(state !== "RUNNING" && { cure: cureOf(name, state) }) };
  } catch (error) {
    if (nameOf((error as Error).cause) !== "NotFoundException") throw error;
    const state = "MISSING";
    return { name, state, reason: "there is no such Pipe", cure: cureOf(name, state) };
  }
}

function cureOf(name: string, state: string): string {
  if (state === "STOPPED" || state === "START_FAILED")
    return `Remove the cause, then run \`aws pipes start-pipe --name ${name}\`.`;
  if (state === "CREATE_FAILED" || state === "MISSING")
    return `Run \`aws pipes delete-pipe --name ${name}\` if it exists, then sst refresh and sst deploy: a deploy alone does not create it again.`;
  return "Wait a minute and run it again.";
}
