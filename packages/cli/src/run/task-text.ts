/**
 * A task in words.
 */

import { s3Url } from "@ferry/client/s3-url";
import type { TaskStatus } from "@ferry/client/task/task-status";
import type { TaskUsage } from "@ferry/client/task/task-usage";
import { countText, money, plural, seconds, size } from "../format.ts";
import type { Output } from "../output.ts";
import { commandText } from "../pasteable.ts";

type Style = Parameters<Output["styled"]>[0];

const STYLES: Readonly<Record<TaskStatus["state"], Style>> = {
  requested: "dim",
  running: "cyan",
  cancelling: "yellow",
  finishing: "cyan",
  succeeded: "green",
  failed: "red",
  rejected: "red",
  cancelled: "yellow",
};

export function styledState({ state }: TaskStatus, output: Output): string {
  return output.styled(STYLES[state], state);
}

export function archiveUrl({ archive }: TaskStatus): string {
  return s3Url(archive);
}

/** `orders in us-east-1 → s3://archives/orders`. */
export function direction(task: TaskStatus): string {
  const table = `${task.table.name} in ${task.table.region}`;
  return task.action === "backup" ? `${table} → ${archiveUrl(task)}` : `${archiveUrl(task)} → ${table}`;
}

/** How a task ended: one line, and a line for each reason. */
export function endLines(task: TaskStatus, output: Output): string[] {
  const files = task.action === "backup" ? ` in ${plural(task.files, "data file")}` : "";
  const { items, matchedItems: matched } = task;
  const read =
    matched === undefined ? plural(items, "item") : `${plural(matched, "item")} of ${countText(items)} read`;
  const skipped = task.skippedItems ? `, ${plural(task.skippedItems, "item")} skipped` : "";
  const took = tookSeconds(task);
  const moved =
    task.state === "rejected"
      ? ""
      : `: ${read}${skipped}, ${size(task.bytes)}${files}${took === undefined ? "" : `, ${seconds(took)}`}`;
  return [
    `${styledState(task, output)}${moved}`,
    direction(task),
    ...task.reasons.map((reason) => `✗ ${reason}`),
    ...task.notes,
    ...(task.state === "failed" || task.state === "cancelled"
      ? [`${commandText("retry", task.id ?? "")} continues where it stopped.`]
      : []),
  ];
}

/** `1,234 units, 2 handoffs, about $0.02`: without numbers that are 0. */
export function usageParts({ units, handoffs, throttles, workSeconds, usd }: TaskUsage): string[] {
  const hasWorked = units > 0 || workSeconds > 0;
  return [
    ...(units > 0 ? [plural(units, "unit")] : []),
    ...(throttles > 0 ? [plural(throttles, "throttled call")] : []),
    ...(handoffs > 0 ? [plural(handoffs, "handoff")] : []),
    ...(hasWorked ? [usd < 0.01 ? "less than $0.01" : `about ${money(usd)}`] : []),
  ];
}

/** From its acceptance to its last change, seconds; undefined for a task that was not accepted. */
export function tookSeconds({ acceptedTime, finishedTime, updatedTime }: TaskStatus): number | undefined {
  const end = finishedTime ?? updatedTime;
  if (acceptedTime === undefined || end === undefined) return undefined;
  return (Date.parse(end) - Date.parse(acceptedTime)) / 1000;
}

/** `orders (us-east-1)`, from the table's ARN. */
export function tableOfArn(arn: string): string {
  const [, region, name] = /^arn:[^:]*:dynamodb:([^:]*):[^:]*:table\/([^/]+)/.exec(arn) ?? [];
  return region === undefined ? arn : `${name} (${region})`;
}
