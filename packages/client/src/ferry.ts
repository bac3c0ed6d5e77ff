/**
 * Ferry's public face: request, find, follow, cancel and retry the tasks of a stage.
 */
import { tableOf } from "@ferry/core/table/table-identity";
import { putEvent } from "./events/events.ts";
import { openStage, type Stage, type StageOptions } from "./stage/stage.ts";
import { type BackupInput, type PreparedRequest, prepareRequest, type RestoreInput } from "./task/request.ts";
import { type TaskHandle, taskHandle } from "./task/task-handle.ts";
import {
  findRowOfRequest,
  findTask,
  listTasks,
  readRow,
  readSegments,
  type TaskFilter,
} from "./task/task-rows.ts";
import type { SegmentStatus, TaskStatus } from "./task/task-status.ts";

export interface Ferry {
  readonly stage: Stage;
  /** Requests a backup. Resolves when the bus has taken the event. InvalidRequest, if the request is not valid. */
  backup(request: BackupInput, requestId?: string): Promise<TaskHandle>;
  /** Requests a restore. Resolves when the bus has taken the event. InvalidRequest, if the request is not valid. */
  restore(request: RestoreInput, requestId?: string): Promise<TaskHandle>;
  /** Sends a request that `prepareRequest` completed and checked. */
  send(prepared: PreparedRequest): Promise<TaskHandle>;
  /** The task with a task id or a request-id. ClientErrors `no-such-task`, `ambiguous-id`. */
  task(id: string): Promise<TaskHandle>;
  /** Tasks, newest first. */
  tasks(filter?: TaskFilter): Promise<TaskStatus[]>;
  /** The records of a task's segments, by number. */
  segments(taskId: string): Promise<SegmentStatus[]>;
}

/** A row's timestamp is the second of the request; the clocks of this machine and of AWS may differ. */
const CLOCK_DIFFERENCE_MS = 15 * 60_000;

/** Opens a stage. Nothing is called until a method is. ClientErrors `no-stage`, `invalid-stage`, `no-region`. */
export async function openFerry(options: StageOptions): Promise<Ferry> {
  return ferryOf(await openStage(options));
}

/** The public face of a stage that is open. */
export function ferryOf(stage: Stage): Ferry {
  async function send({
    request,
    detail,
    requestId,
    key,
    requestTimeMs,
  }: PreparedRequest): Promise<TaskHandle> {
    const { action } = request;
    const sinceMs = requestTimeMs - CLOCK_DIFFERENCE_MS;
    const sent: TaskStatus = {
      requestId,
      action,
      key,
      state: "requested",
      attempt: 1,
      table: tableOf({ request }),
      archive: {
        region: request["bucket-region"],
        bucket: request["bucket-name"],
        prefix: request["bucket-prefix"],
      },
      segments: { total: 0, completed: 0, failed: 0 },
      items: 0,
      bytes: 0,
      files: 0,
      reasons: [],
      notes: [],
    };
    const find = () => findRowOfRequest(stage, { action, key, requestId, sinceMs });
    // A bus that does not exist takes events without an error. A stage that does not exist has no status table.
    await find();
    await putEvent(stage, "TaskRequested", detail);
    let row: Parameters<typeof readRow>[1] | undefined;
    const read = async () => {
      const found = row === undefined ? await find() : await readRow(stage, row);
      if (found?.timestamp !== undefined) row = { action, key, timestamp: found.timestamp };
      return found ?? sent;
    };
    return taskHandle(stage, read, requestId);
  }

  return {
    stage,
    backup: async (request, requestId) =>
      send(await prepareRequest(stage.access, { action: "backup", ...request }, requestId)),
    restore: async (request, requestId) =>
      send(await prepareRequest(stage.access, { action: "restore", ...request }, requestId)),
    send,
    async task(id) {
      const found = await findTask(stage, id);
      const { action, key, timestamp } = found;
      const read = async () => (await readRow(stage, { action, key, timestamp: timestamp! })) ?? found;
      return taskHandle(stage, read, found.requestId);
    },
    tasks: (filter) => listTasks(stage, filter),
    segments: (taskId) => readSegments(stage, taskId),
  };
}
