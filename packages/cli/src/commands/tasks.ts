import type { CommandSpec } from "../command.ts";

export const tasksCommand: CommandSpec = {
  name: "tasks",
  summary: "list tasks, newest first",
  arguments: {},
  options: {
    "--state <STATE>": {
      description: "only tasks in this state; may be repeated",
      choices: [
        "requested",
        "rejected",
        "running",
        "cancelling",
        "finishing",
        "succeeded",
        "failed",
        "cancelled",
      ],
      repeatable: true,
    },
    "--table <NAME>": "only tasks of this table",
    "--action <ACTION>": { description: "only backups or only restores", choices: ["backup", "restore"] },
    "--since <TIME>": "only tasks since then: 30m, 12h, 7d, or an ISO 8601 time",
    "--limit <N>": { description: "at most this many", fallback: "20" },
  },
  examples: {
    "ferry tasks --state running --state failed": "what needs attention",
    "ferry tasks --table orders --since 7d": "the last week of a table",
  },
  uses: "stage",
  json: "One Task a line.",
  load: () => import("../run/tasks.ts"),
};
