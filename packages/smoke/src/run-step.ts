/** Runs one step and prints its result. */
import { messageOf } from "@ferry/core/errors/errors";
import type { SmokeRun, Step } from "./steps.ts";

/** Runs a step unless its needs are not met. Returns false if it failed. `print` receives each line of the output. */
export async function runStep(step: Step, run: SmokeRun, print: (line: string) => void): Promise<boolean> {
  if (step.needs !== undefined && run.isLocal) {
    print(`- ${step.name}: skipped, only AWS can show it`);
    return true;
  }
  if (step.needs === "handoffs" && !run.handoffs) {
    print(`- ${step.name}: skipped, needs --handoffs`);
    return true;
  }
  try {
    print(`✓ ${step.name}: ${await step.run(run)}`);
    return true;
  } catch (error) {
    print(`✗ ${step.name}: ${messageOf(error)}`);
    print(`  What it means: ${step.means}`);
    return false;
  }
}
