import type { CommandSpec } from "../command.ts";

export const watchCommand: CommandSpec = {
  name: "watch",
  summary: "follow a task until it ends",
  description: "Ctrl-C stops watching, not the task. The exit code says how the task ended.",
  arguments: { ID: "a task id, or the id of its request" },
  options: {},
  examples: {
    "ferry watch us-east-1-orders@1795399200123": "bars on a terminal, plain lines elsewhere",
    "ferry watch us-east-1-orders@1795399200123 --json": "one line of JSON a second",
  },
  uses: "stage",
  json: "One Progress a line; the last one is of the task's end.",
  load: () => import("../run/watch.ts"),
};
