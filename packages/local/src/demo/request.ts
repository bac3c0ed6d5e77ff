/**
 * Requests a task with Ferry's client, and shows its progress until it ends.
 */
import { openFerry } from "@ferry/client/ferry";
import { prepareRequest } from "@ferry/client/task/request";
import type { TaskStatus } from "@ferry/client/task/task-status";
import type { Request } from "@ferry/core/request/request";
import type { Progress } from "@ferry/terminal/progress";
import type { Host } from "../host.ts";

export interface TaskResult {
  readonly task: TaskStatus;
  readonly seconds: number;
}

/** Returns the task when it has succeeded. Throws an Error with the reasons if it ends otherwise. */
export async function requestTask(
  host: Host,
  progress: Progress,
  request: Request,
  items: number,
): Promise<TaskResult> {
  const started = performance.now();
  const ferry = await openFerry({ local: host.endpoint });
  const prepared = await prepareRequest(ferry.stage.access, { ...request }, `demo-${request.action}`);
  const handle = await ferry.send(prepared);
  const verb = request.action === "backup" ? "Back up to" : "Restore from";
  const title = `${verb} s3://${request["bucket-name"]}/${request["bucket-prefix"]}`;
  const task = await progress.track(title, items, async (onProgress) => {
    for await (const { task } of handle.progress()) onProgress(task.items);
    return handle.status();
  });
  if (task.state !== "succeeded")
    throw new Error(`the ${request.action} ${task.state}: ${task.reasons.join("; ")}`);
  return { task, seconds: (performance.now() - started) / 1000 };
}
