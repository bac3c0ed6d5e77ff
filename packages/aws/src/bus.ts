/**
 * The bus on EventBridge.
 */
import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
  type PutEventsResultEntry,
} from "@aws-sdk/client-eventbridge";
import { FerryError, isThrottled, permanent, stopped } from "@ferry/core/errors/errors";
import { type FerryEvent, SOURCE } from "@ferry/core/events/events";
import type { Bus } from "@ferry/core/ports";
import { translateErrors } from "./errors.ts";
import { type Jitter, jitter } from "./jitter.ts";

const ENTRIES_MAX = 10;
/** EventBridge's limit is 1 MiB. So is SQS's for the message that wraps the event: hence the margin. */
const CALL_BYTES_MAX = 1024 * 1024 - 8 * 1024;
/** Rounds of PutEvents calls before the put fails. */
const ROUNDS_MAX = 7;
const WAIT_MS = 50;

interface Entry extends PutEventsRequestEntry {
  readonly bytes: number;
}

/** The bus with this name. `put` throws if entries are refused in every round; some events may have been taken by then. */
export function eventBus(client: Pick<EventBridgeClient, "send">, name: string, wait: Jitter = jitter): Bus {
  const call = { operation: "PutEvents", resource: `bus ${name}` };

  async function putOnce(entries: readonly Entry[]): Promise<Refused[]> {
    const answer = await translateErrors(call, () =>
      client.send(new PutEventsCommand({ Entries: entries.map(({ bytes: _, ...entry }) => entry) })),
    ).catch((error: unknown) => {
      if (!isThrottled(error)) throw error;
      // Retry when throttled: failing here would repeat minutes of a slice's work.
      const refused = { ErrorCode: error.code, ErrorMessage: error.message };
      const Entries: PutEventsResultEntry[] = entries.map(() => refused);
      return { FailedEntryCount: entries.length, Entries };
    });
    // A 200 does not mean that every entry was taken.
    if ((answer.FailedEntryCount ?? 0) === 0) return [];
    const results = answer.Entries ?? [];
    return entries.flatMap((entry, i) => (results[i]?.EventId ? [] : [{ entry, result: results[i] ?? {} }]));
  }

  return {
    async put(events) {
      let pending = events.map((event) => entryOf(event, name));
      for (let round = 1; pending.length > 0; round++) {
        const refused: Refused[] = [];
        for (const chunk of chunks(pending)) refused.push(...(await putOnce(chunk)));
        if (refused.length > 0 && round === ROUNDS_MAX) throw entriesRefused(refused, call);
        pending = refused.map(({ entry }) => entry);
        if (pending.length > 0) await wait(WAIT_MS * 2 ** round);
      }
    },
  };
}

interface Refused {
  readonly entry: Entry;
  readonly result: PutEventsResultEntry;
}

function entryOf(event: FerryEvent, bus: string): Entry {
  const Detail = JSON.stringify(event.detail);
  // EventBridge counts the UTF-8 bytes of source, type and detail.
  const bytes = SOURCE.length + event.type.length + Buffer.byteLength(Detail);
  if (bytes > CALL_BYTES_MAX)
    throw permanent("event-too-large", {
      operation: "PutEvents",
      resource: `event ${event.type}`,
      message: `The event ${event.type} has ${bytes} bytes; the limit is ${CALL_BYTES_MAX}.`,
      hint: "Make the request smaller: an event carries the whole request.",
    });
  return { EventBusName: bus, Source: SOURCE, DetailType: event.type, Detail, bytes };
}

/** Splits the entries into as few calls as the limits allow, in order. */
function chunks(entries: readonly Entry[]): Entry[][] {
  const all: Entry[][] = [];
  let open: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (open.length === ENTRIES_MAX || (open.length > 0 && bytes + entry.bytes > CALL_BYTES_MAX)) {
      all.push(open);
      open = [];
      bytes = 0;
    }
    open.push(entry);
    bytes += entry.bytes;
  }
  if (open.length > 0) all.push(open);
  return all;
}

function entriesRefused(
  refused: readonly Refused[],
  call: { operation: string; resource: string },
): FerryError {
  const reasons = new Set(
    refused.map(({ result }) => `${result.ErrorCode ?? "no ErrorCode"}: ${result.ErrorMessage ?? ""}`),
  );
  return new FerryError("transient", "entries-refused", {
    ...call,
    message: `EventBridge refused ${refused.length} entries ${ROUNDS_MAX} times: ${stopped([...reasons].join("; "))}`,
    hint: "The queue delivers the message again. If the reason is throttling, raise the PutEvents quota or use fewer segments.",
  });
}
