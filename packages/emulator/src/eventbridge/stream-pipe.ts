/**
 * The Pipe from a table's stream to the bus: filtered, in order per key, tried a bounded number of times.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { PipeSpec } from "@ferry/core/topology";
import type { StreamRecord } from "../engines/streams.ts";
import type { LocalBus } from "./bus.ts";
import { compilePattern } from "./event-pattern.ts";
import { compileEmission } from "./pipe-target.ts";

export interface StreamPipeOptions {
  readonly name: string;
  readonly spec: PipeSpec;
  readonly bus: { readonly name: string; readonly region: string; readonly put: LocalBus["put"] };
  readonly log: (line: string) => void;
}

const TRIES = 5;
const RETRY_MS = 20;

/** Returns what takes a stream's records. */
export function createStreamPipe({
  name,
  spec,
  bus,
  log,
}: StreamPipeOptions): (record: StreamRecord) => void {
  const filters = spec.filters?.map(compilePattern);
  const emit = compileEmission(spec, bus);
  /** The last record of each key that is still on its way. */
  const last = new Map<string, Promise<void>>();

  const process = async (record: StreamRecord): Promise<void> => {
    for (let tried = 1; ; tried++) {
      try {
        return emit(record);
      } catch (error) {
        if (tried < TRIES) await sleep(RETRY_MS * tried);
        else
          return log(
            `pipe ${name}: a change of ${JSON.stringify(record.dynamodb.Keys)} is given up: ${error}`,
          );
      }
    }
  };

  return (record) => {
    if (filters !== undefined && !filters.some((matches) => matches(record))) return;
    const key = JSON.stringify(record.dynamodb.Keys);
    const mine = (last.get(key) ?? Promise.resolve()).then(() => process(record));
    last.set(key, mine);
    void mine.finally(() => {
      if (last.get(key) === mine) last.delete(key);
    });
  };
}
