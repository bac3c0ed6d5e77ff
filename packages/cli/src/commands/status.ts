import type { CommandSpec } from "../command.ts";

export const statusCommand: CommandSpec = {
  name: "status",
  summary: "show a task, its segments and its reasons",
  arguments: { ID: "a task id, or the id of its request" },
  options: {
    "--segments": { description: "list every segment", fallback: "those that are not complete" },
  },
  examples: { "ferry status us-east-1-orders@1795399200123": "how far it is, and what failed" },
  uses: "stage",
  json: "One object: `task` is a Task, `segments` a list of Segment, `usage` a Usage.",
  load: () => import("../run/status.ts"),
};
