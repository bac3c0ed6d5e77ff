/** Finds the Pipes that are not running. EventBridge stops a Pipe whose target keeps failing, and no metric shows it. */
import { DescribePipeCommand, type PipesClient } from "@aws-sdk/client-pipes";

export interface StoppedPipe {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
}

export async function stoppedPipes(client: PipesClient, names: readonly string[]): Promise<StoppedPipe[]> {
  const described = await Promise.all(
    names.map((Name) =>
      client.send(new DescribePipeCommand({ Name })).then((pipe) => ({ name: Name, pipe })),
    ),
  );
  return described
    .filter(({ pipe }) => pipe.CurrentState !== "RUNNING")
    .map(({ name, pipe }) => ({
      name,
      state: pipe.CurrentState ?? "UNKNOWN",
      reason: pipe.StateReason ?? "",
    }));
}
