/** The state of the stage's Pipes. */
import { DescribePipeCommand } from "@aws-sdk/client-pipes";
import { pipes } from "@ferry/core/topology";
import type { DeployedStage } from "./stage.ts";

/** Throws an Error that names each Pipe that is not RUNNING, its reason, and what to do. Returns the number of Pipes. */
export async function assertPipesRun(stage: DeployedStage): Promise<number> {
  const states = await Promise.all(
    Object.keys(pipes).map(async (key) => {
      const Name = `ferry-${stage.name}-${key}`;
      try {
        const { CurrentState, StateReason } = await stage.pipes.send(new DescribePipeCommand({ Name }));
        return { Name, state: CurrentState ?? "UNKNOWN", reason: StateReason ?? "no reason given" };
      } catch (error) {
        if ((error as Error).name !== "NotFoundException") throw error;
        return { Name, state: "MISSING", reason: "there is no such Pipe" };
      }
    }),
  );
  const stopped = states.filter(({ state }) => state !== "RUNNING");
  if (stopped.length === 0) return states.length;
  const texts = stopped.map(
    ({ Name, state, reason }) => `${Name} is ${state} (${reason}): ${cureOf(Name, state)}`,
  );
  throw new Error(texts.join("; "));
}

/** What to do about a Pipe in this state. */
function cureOf(name: string, state: string): string {
  if (state === "STOPPED" || state === "START_FAILED")
    return `remove the cause, then aws pipes start-pipe --name ${name}`;
  if (state === "CREATE_FAILED" || state === "MISSING")
    return `aws pipes delete-pipe --name ${name} if it exists, then sst refresh and sst deploy: a deploy alone does not create it again`;
  return "wait a minute and run the smoke test again";
}
