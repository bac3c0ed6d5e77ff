/** Every promise about a deployed stage, by name. */
import { censusChecks } from "./census.ts";
import type { Check, Deployment } from "./check.ts";
import { limitChecks } from "./limits.ts";
import { monitoringChecks } from "./monitoring.ts";
import { namingChecks } from "./naming.ts";
import { pipeChecks } from "./pipes.ts";
import { queueChecks } from "./queues.ts";
import { roleChecks } from "./roles.ts";
import { routeChecks } from "./routes.ts";
import { scheduleChecks } from "./schedules.ts";
import { statusChecks } from "./status.ts";
import { workerChecks } from "./workers.ts";

export const checks: readonly Check[] = [
  ...censusChecks,
  ...limitChecks,
  ...namingChecks,
  ...routeChecks,
  ...queueChecks,
  ...workerChecks,
  ...roleChecks,
  ...statusChecks,
  ...pipeChecks,
  ...scheduleChecks,
  ...monitoringChecks,
];

/** The broken promises of a deployment, by the check's name; empty when all are kept. */
export function brokenChecks(deployment: Deployment): ReadonlyMap<string, readonly string[]> {
  return new Map(
    checks
      .map((check) => [check.name, check.broken(deployment)] as const)
      .filter(([, sentences]) => sentences.length > 0),
  );
}
