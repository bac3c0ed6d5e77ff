/**
 * The bus in memory: it records what was put, in the order in which it took it.
 */
import { FerryError, permanent } from "@ferry/core/errors";
import type { FerryEvent } from "@ferry/core/events";
import type { Bus } from "@ferry/core/ports";

const ENTRIES_MAX = 10;
const CALL_BYTES_MAX = 1024 * 1024;
/** How often refused entries are put again before the put is given up. */
const ROUNDS_MAX = 10;

/** The bus, and what it took. */
export interface MemoryBus extends Bus {
  /** Everything taken so far. A test may empty it. */
  readonly events: FerryEvent[];
}

/**
 * A bus in memory. `refuse` is asked for each entry of each call whether the bus refuses it; `taken` hears of each
 * event that it took.
 */
export function memoryBus(
  options: { refuse?: (event: FerryEvent) => boolean; taken?: (event: FerryEvent) => void } = {},
): MemoryBus {
  const events: FerryEvent[] = [];
  const takes = (text: string): boolean => {
    if (options.refuse?.(JSON.parse(text) as FerryEvent) === true) return false;
    const event = JSON.parse(text) as FerryEvent;
    events.push(event);
    options.taken?.(event);
    return true;
  };
  return {
    events,
    async put(given) {
      // Texts: an event that was put is not changed by what its maker does later.
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
    message: `An event may have ${CALL_BYTES_MAX} bytes at most.`,
    hint: "This is a fault in Ferry: report it.",
  });
}

function refused(entries: number): FerryError {
  return new FerryError("transient", "entries-refused", {
    operation: "PutEvents",
    resource: "bus",
    message: `${entries} entries were refused ${ROUNDS_MAX} times.`,
    hint: "The queue tries the message again.",
  });
}
