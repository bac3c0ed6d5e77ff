import { ClientError } from "@ferry/client/client-error";
import { openFerry } from "@ferry/client/ferry";
import type { TaskFilter } from "@ferry/client/task/task-rows";
import type { TaskStatus } from "@ferry/client/task/task-status";
import { definedFields } from "@ferry/core/defined-fields";
import type { RunCommand } from "../command.ts";
import { countText, minute } from "../format.ts";
import { type Input, textOption, textsOption } from "../input.ts";
import { wholeNumberOption } from "../option-values.ts";
import { columns } from "../table.ts";
import { archiveUrl, styledState } from "./task-text.ts";

const LIMIT = 20;

export const run: RunCommand = async ({ options }, { stage, output }) => {
  const filter = filterOf(options);
  const ferry = await openFerry(stage);
  // One more than asked for, to know whether there are more.
  const found = await ferry.tasks({ ...filter, limit: filter.limit! + 1 });
  const tasks = found.slice(0, filter.limit);
  for (const task of tasks) output.value(task);
  if (tasks.length === 0) output.note("No tasks.");
  else
    output.line(
      columns(
        ["requested (UTC)", "action", "state", "table", "items", "archive", "id"],
        tasks.map((task) => [
          minute(task.timestamp!),
          task.action,
          styledState(task, output),
          `${task.table.name} (${task.table.region})`,
          itemsText(task),
          archiveUrl(task),
          task.id ?? "",
        ]),
        ["items"],
        { width: output.width, below: ["archive", "id"] },
      ),
    );
  if (found.length > tasks.length) output.note("There are more: --limit shows them.");
};

/** The items, and of how many while the task works. */
function itemsText({ items, state, expected }: TaskStatus): string {
  const isWorking = state === "running" || state === "cancelling";
  return isWorking && expected !== undefined
    ? `${countText(items)} of ${countText(expected.items)}`
    : countText(items);
}

function filterOf(options: Input["options"]): TaskFilter {
  const { state, table, action, since, limit } = options;
  return definedFields({
    limit: wholeNumberOption("--limit", limit, LIMIT) ?? LIMIT,
    states: textsOption(state) as TaskFilter["states"],
    table: textOption(table),
    action: textOption(action) as TaskFilter["action"],
    sinceMs: typeof since === "string" ? sinceMs(since) : undefined,
  });
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function sinceMs(since: string): number {
  const [, number, unit] = /^(\d+)([mhd])$/.exec(since) ?? [];
  const timeMs = number === undefined ? Date.parse(since) : Date.now() - Number(number) * UNIT_MS[unit!]!;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new ClientError("usage", "usage", {
    message: `--since must be like 30m, 12h or 7d, or an ISO 8601 time: got ${JSON.stringify(since)}.`,
    hint: "For instance --since 24h, or --since 2026-11-23T02:00Z.",
  });
}
