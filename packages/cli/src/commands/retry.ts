import type { CommandSpec } from "../command.ts";

export const retryCommand: CommandSpec = {
  name: "retry",
  summary: "continue a task that failed, was cancelled or stalled",
  description: "Waits until Ferry has begun the next attempt.",
  arguments: { ID: "a task id, or the id of its request" },
  options: {},
  examples: { "ferry retry us-east-1-orders@1795399200123": "then `ferry watch` follows it" },
  uses: "stage",
  json: "One Task.",
  load: () => import("../run/retry.ts"),
};
