/** Requests tasks, waits for their ends, and deletes their rows. */
import { type AttributeValue, DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import { ClientError } from "@ferry/client/client-error";
import { prepareRequest } from "@ferry/client/task/request";
import type { TaskHandle } from "@ferry/client/task/task-handle";
import type { TaskStatus } from "@ferry/client/task/task-status";
import type { Request } from "@ferry/core/request/request";
import { type DeployedStage, waitFor } from "./stage.ts";

/** Puts a request on the bus. */
export async function putRequest(
  { ferry }: DeployedStage,
  request: Request,
  requestId: string,
): Promise<TaskHandle> {
  return ferry.send(await prepareRequest(ferry.stage.access, { ...request }, requestId));
}

/** The task of a request that another way than the bus brought. Throws an Error if it has no row within `seconds`. */
export async function taskOfRequest(
  { ferry }: DeployedStage,
  requestId: string,
  seconds: number,
): Promise<TaskHandle> {
  return waitFor(`a row of request ${requestId}`, seconds, async () => {
    try {
      return await ferry.task(requestId);
    } catch (error) {
      if (error instanceof ClientError && error.code === "no-such-task") return undefined;
      throw error;
    }
  });
}

/** Returns the task when it has ended in `state`. Throws an Error with the reasons if it ends otherwise, or not within `seconds`. */
export async function endedAs(
  handle: TaskHandle,
  state: TaskStatus["state"],
  seconds: number,
): Promise<TaskStatus> {
  const signal = AbortSignal.timeout(seconds * 1000);
  let task: TaskStatus;
  try {
    task = await handle.ended({ signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    const { action, state: present } = await handle.status();
    throw new Error(`the ${action} is ${present}, and has not ended within ${seconds} s`);
  }
  if (task.state !== state)
    throw new Error(`the ${task.action} is ${task.state}: ${task.reasons.join("; ")}`);
  return task;
}

/** Deletes a task's row and its segment records. */
export async function deleteRows({ ferry, db }: DeployedStage, handle: TaskHandle): Promise<void> {
  const { stage } = ferry;
  const { id, action, key, timestamp } = await handle.status();
  if (timestamp === undefined) return;
  const remove = (TableName: string, Key: Record<string, AttributeValue>) =>
    db.send(new DeleteItemCommand({ TableName, Key }));
  for (const { segment } of id === undefined ? [] : await ferry.segments(id))
    await remove(stage.table("segment-table"), { task: { S: id! }, segment: { N: String(segment) } });
  await remove(stage.table(`${action}-table`), { key: { S: key }, timestamp: { N: String(timestamp) } });
}
