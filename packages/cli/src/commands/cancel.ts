import type { CommandSpec } from "../command.ts";

export const cancelCommand: CommandSpec = {
  name: "cancel",
  summary: "stop a running task",
  description: "Waits until Ferry has answered. `ferry retry` continues where the task stopped.",
  arguments: { ID: "a task id, or the id of its request" },
  options: {},
  examples: { "ferry cancel us-east-1-orders@1795399200123": "stop it within seconds" },
  uses: "stage",
  json: "One Task.",
  load: () => import("../run/cancel.ts"),
};
