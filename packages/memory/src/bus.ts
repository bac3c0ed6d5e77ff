/**
 * The bus in memory: it records the events in the order in which it took them.
 */
import { FerryError, permanent } from "@ferry/core/errors/errors";
import type { FerryEvent } from "@ferry/core/events/events";
import type { Bus } from "@ferry/core/ports";

const ENTRIES_MAX = 10;
const CALL_BYTES_MAX = 1024 * 1024;
/** Rounds of puts before the put fails. */
const ROUNDS_MAX = 10;

/** The bus and its events. */
export interface MemoryBus extends Bus {
  /** All events taken so far. A test may empty it. */
  readonly events: FerryEvent[];
}

/** A bus in memory. `refuse` decides for each entry of each call whether the bus refuses it. */
export function memoryBus(options: { refuse?: (event: FerryEvent) => boolean } = {}): MemoryBus {
  const events: FerryEvent[] = [];
  const takes = (text: string): boolean => {
    if (options.refuse?.(JSON.parse(text) as FerryEvent) === true) return false;
    events.push(JSON.parse(text) as FerryEvent);
    return true;
  };
  return {
    events,
    async put(given) {
      // As texts, so that an event does not change when its caller changes the object.
      let pending = given.map((event) => JSON.stringify(event));
      for (const [i, text] of pending.entries()) {
        if (Buffer.byteLength(text) > CALL_BYTES_MAX) throw tooLarge(given[i]!.type);
      }
      for (let round = 0; pending.length > 0; round++) {
        if (round === ROUNDS_MAX) throw refused(pending.length);
        const refusedNow: string[] = [];
        for (let at = 0; at < pending.length; at += ENTRIES_MAX)
          refusedNow.push(...pending.slice(at, at + ENTRIES_MAX).filter((text) => !takes(text)));
        pending = refusedNow;
      }
    },
  };
}

function tooLarge(type: string): FerryError {
  return permanent("event-too-large", {
    operation: "PutEvents",
    resource: `event ${type}`,
    message: `An event may have at most ${CALL_BYTES_MAX} bytes.`,
    hint: "This is a bug in Ferry: report it.",
  });
}

function refused(entries: number): FerryError {
  return new FerryError("transient", "entries-refused", {
    operation: "PutEvents",
    resource: "bus",
    message: `${entries} entries were refused ${ROUNDS_MAX} times.`,
    hint: "The queue delivers the message again.",
  });
}
