/**
 * The Pipe from a table's stream to the bus: filtered, in order per key, with a bounded number of attempts.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { PipeSpec } from "@ferry/core/topology";
import type { StreamRecord } from "../engines/streams.ts";
import { compilePattern } from "./event-pattern.ts";
import { compilePipeTarget, type TargetBus } from "./pipe-target.ts";

export interface StreamPipeOptions {
  readonly name: string;
  readonly spec: PipeSpec;
  readonly bus: TargetBus;
  readonly log: (line: string) => void;
}

const TRIES = 5;
const RETRY_MS = 20;

/** Returns a function that receives a stream's records. */
export function createStreamPipe({
  name,
  spec,
  bus,
  log,
}: StreamPipeOptions): (record: StreamRecord) => void {
  const filters = spec.filters?.map(compilePattern);
  const emit = compilePipeTarget(spec, bus);
  /** The processing of the last record of each key, until it is done. */
  const last = new Map<string, Promise<void>>();

  const process = async (record: StreamRecord): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return emit(record);
      } catch (error) {
        if (attempt < TRIES) await sleep(RETRY_MS * attempt);
        else
          return log(
            `pipe ${name}: a change of ${JSON.stringify(record.dynamodb.Keys)} is dropped: ${error}`,
          );
      }
    }
  };

  return (record) => {
    if (filters !== undefined && !filters.some((matches) => matches(record))) return;
    const key = JSON.stringify(record.dynamodb.Keys);
    const current = (last.get(key) ?? Promise.resolve()).then(() => process(record));
    last.set(key, current);
    void current.finally(() => {
      if (last.get(key) === current) last.delete(key);
    });
  };
}
