/** The state of the stage's Pipes. */
import { readPipe } from "@ferry/client/stage/pipe-states";
import { pipes } from "@ferry/core/topology";
import type { DeployedStage } from "./stage.ts";

/** Throws an Error that names each Pipe that is not RUNNING, its reason, and what to do. Returns the number of Pipes. */
export async function assertPipesRun({ ferry }: DeployedStage): Promise<number> {
  const states = await Promise.all(Object.keys(pipes).map((key) => readPipe(ferry.stage, key)));
  const texts = states
    .filter(({ cure }) => cure !== undefined)
    .map(({ name, state, reason, cure }) => `${name} is ${state} (${reason}): ${cure}`);
  if (texts.length > 0) throw new Error(texts.join(" "));
  return states.length;
}
