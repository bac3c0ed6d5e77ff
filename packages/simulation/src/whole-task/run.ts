/**
 * Whole tasks: the core's consumers over the topology's routes and memory ports, under a scheduler that reorders,
 * duplicates, crashes workers between any two effects and lets messages come again. All chance is the seed's.
 */
import { FerryError } from "@ferry/core/errors";
import { type BusEvent, type FerryEvent, parseMessage, SOURCE } from "@ferry/core/events";
import { seeded } from "@ferry/core/hash";
import type { ArchiveStore, Bus, Ports, StatusStore, TableData } from "@ferry/core/ports";
import { projectBatch } from "@ferry/core/projection/fold";
import { stateOf } from "@ferry/core/projection/status";
import { defaultSettings } from "@ferry/core/settings";
import {
  backupRequest,
  bucket,
  destination,
  restoreRequest,
  runTask,
  source,
  world,
} from "@ferry/core/testing/tasks";
import { isoOf } from "@ferry/core/time";
import { type QueueName, queues } from "@ferry/core/topology";
import { work } from "@ferry/core/worker";
import { hooked, type PortCall } from "../memory/hooked.ts";
import { memoryStatusStore } from "../memory/status-store.ts";
import { memoryTables } from "../memory/tables.ts";
import { virtualClock } from "../memory/time.ts";
import { announced, reported, routed, type Said } from "./router.ts";

/** What is asked, and how much goes wrong. */
export interface Scenario {
  readonly requests: readonly { readonly request: object; readonly id: string }[];
  readonly faults: number;
  readonly cancels?: number;
  readonly retries?: number;
  /** How often someone wipes the prefix of a task that did not succeed, and asks for another backup there. */
  readonly wipes?: number;
}

const backup = { request: backupRequest, id: "r-1" };
const elsewhere = { request: { ...backupRequest, "bucket-prefix": "backups/two" }, id: "r-2" };

export const scenarios: Readonly<Record<string, Scenario>> = {
  "one backup": { requests: [backup], faults: 8 },
  "two of one prefix": { requests: [backup, { ...backup, id: "r-2" }], faults: 8 },
  "two of one second": { requests: [backup, elsewhere], faults: 8 },
  "a cancel": { requests: [backup], faults: 8, cancels: 1 },
  retries: { requests: [backup], faults: 16, retries: 3 },
  "cancels and retries": { requests: [backup], faults: 14, cancels: 2, retries: 3 },
  "a wiped prefix": { requests: [backup], faults: 14, cancels: 1, wipes: 1 },
  "an unknown action": {
    requests: [{ request: { ...backupRequest, action: "copy" }, id: "r-4" }],
    faults: 8,
  },
  "one restore": { requests: [{ request: restoreRequest, id: "r-3" }], faults: 8 },
  "a restore, cancelled and retried": {
    requests: [{ request: restoreRequest, id: "r-3" }],
    faults: 14,
    cancels: 1,
    retries: 3,
  },
};

/** What a run left behind. */
export type Outcome = Awaited<ReturnType<typeof run>>;

/** Received this often a message is set aside: fewer than deployed, so that it happens. */
const ATTEMPTS = 3;
const ITEMS = 12;
const STEPS_MAX = 20_000;

interface QueueMessage {
  readonly queue: QueueName;
  readonly body: string;
  receives: number;
  visible: boolean;
  done: boolean;
}

/** One worker on its messages; late once they were given to another. */
interface Invocation {
  readonly messages: readonly { readonly message: QueueMessage; readonly receipt: number }[];
  /** Calls that wait for their turn. */
  readonly parked: Array<(fault: Fault | undefined) => void>;
  ended: boolean;
}

type Fault = "refused" | "answer lost" | "throttled";

const itemText = (n: number, of = 0) => `{"id":{"S":"item-${n}"},"of":{"N":"${of}"}}`;

/** Runs a scenario to its end. Throws where it does not come to one. */
export async function run(scenario: Scenario, seed: number) {
  const random = seeded(seed);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(all: readonly T[]): T => all[below(all.length)]!;
  const left = {
    faults: scenario.faults,
    cancels: scenario.cancels ?? 0,
    retries: scenario.retries ?? 0,
    wipes: scenario.wipes ?? 0,
    changes: 6,
  };
  const faultiness = pick([0.1, 0.3, 1]);
  const volatile = new Set([0, 1, 2, 3, 4].map(() => below(ITEMS)));

  const bus: BusEvent[] = [];
  const facts: BusEvent[] = [];
  const said: BusEvent[] = [];
  const messages: QueueMessage[] = [];
  const invocations: Invocation[] = [];
  const clock = virtualClock({ scheduled: true });
  const status = memoryStatusStore((change) => say(announced(change)));
  const tables = memoryTables({ pageBytes: 90, layout: random });
  const settings = {
    ...defaultSettings,
    sliceBudgetMs: 2000,
    progressIntervalMs: 1000,
    lookIntervalMs: 1000,
    maximumIdleHops: 1000,
  };
  const plain = world({ clock, status, tables, settings });
  tables.put(source, ...Array.from({ length: ITEMS }, (_, n) => itemText(n)));
  if (scenario.requests.some(({ request }) => "action" in request && request.action === "restore"))
    await runTask({ ...backupRequest, "total-segments": 2, "batch-bytes": 100 }, plain);

  let events = 0;
  function say(what: Said | undefined, id = `e-${++events}`): BusEvent | undefined {
    if (what === undefined) return undefined;
    const time = `${isoOf(clock.now()).slice(0, 19)}Z`;
    const event = { id, time, source: SOURCE, ...(JSON.parse(JSON.stringify(what)) as Said) };
    said.push(event);
    bus.push(event);
    return event;
  }

  function deliver(event: BusEvent): void {
    for (const { queue, body } of routed(event)) {
      if (queue === "projection-queue") facts.push(event);
      messages.push({ queue, body, receives: 0, visible: true, done: false });
    }
  }

  /** The ports of one invocation: each call waits for its turn, and may go wrong on either side of its effect. */
  function portsOf(invocation: Invocation): Ports & { store: StatusStore } {
    const visit = async (call: PortCall, effect: () => Promise<unknown>) => {
      const fault = await new Promise<Fault | undefined>((resolve) => invocation.parked.push(resolve));
      if (fault === "refused") throw new Error("socket hang up");
      if (fault === "throttled" && (call.port === "tables" || call.port === "archive")) throw slowDown(call);
      if (call.method === "scan") clock.advance(700);
      const answer = await effect();
      if (fault === "answer lost") throw new Error("socket hang up");
      return answer;
    };
    const described: TableData = {
      ...tables,
      // The table grows and shrinks: a plan derived anew has another number of segments.
      describe: async (table) => ({
        ...(await tables.describe(table)),
        sizeBytes: below(3) * 4 * 2 ** 30 + 1,
      }),
    };
    const puts: Bus = {
      async put(all) {
        for (const { type, detail } of all) say({ "detail-type": type, detail });
      },
    };
    const store = hooked<StatusStore>("status", status, ["read", "write", "raise"], visit);
    return {
      ...plain,
      random,
      status: store,
      store,
      time: clock.invocation(900_000),
      tables: hooked("tables", described, ["describe", "scan", "write", "putIfAbsent"], visit),
      archive: hooked<ArchiveStore>("archive", plain.archive, ["putNew", "head", "get", "list"], visit),
      bus: hooked("bus", puts, ["put"], visit),
    };
  }

  async function invoke(invocation: Invocation): Promise<void> {
    const ports = portsOf(invocation);
    const failed = new Set<string>();
    const bodies = invocation.messages.map(({ message }, i) => ({ id: String(i), message }));
    try {
      if (bodies[0]!.message.queue === "projection-queue") {
        const batch = bodies.map(({ id, message }) => ({ id, message: parseMessage(message.body) }));
        for (const { id } of await projectBatch(batch, ports.store)) failed.add(id);
      } else {
        const concluded: readonly FerryEvent[] = await work(parseMessage(bodies[0]!.message.body), ports);
        // One by one: a put of many is no transaction.
        for (const event of concluded) await ports.bus.put([event]);
      }
    } catch {
      for (const { id } of bodies) failed.add(id);
    }
    invocation.messages.forEach(({ message, receipt }, i) => {
      // A late worker's receipt is void.
      if (message.receives !== receipt || message.visible) return;
      if (failed.has(String(i))) message.visible = true;
      else message.done = true;
    });
    invocation.ended = true;
  }

  function receive(): void {
    const first = pick(messages.filter(({ visible, done }) => visible && !done));
    if (first.receives >= ATTEMPTS && queues[first.queue].deadLetters === "redrive-queue") {
      first.done = true;
      say(reported(first.body));
      return;
    }
    const others = messages.filter(
      (one) => one !== first && one.queue === first.queue && one.visible && !one.done,
    );
    const batch = first.queue === "projection-queue" ? [first, ...others.slice(0, below(3))] : [first];
    for (const message of batch) {
      message.visible = false;
      message.receives++;
    }
    const invocation: Invocation = {
      messages: batch.map((message) => ({ message, receipt: message.receives })),
      parked: [],
      ended: false,
    };
    invocations.push(invocation);
    void invoke(invocation);
  }

  function step(fault?: Fault): void {
    const { parked } = pick(invocations.filter((one) => one.parked.length > 0));
    parked.splice(below(parked.length), 1)[0]!(fault);
  }

  /** A worker dies where it stands (`crash`), or its messages are given to another while it goes on. */
  function abandon(crash: boolean): void {
    const invocation = pick(invocations);
    for (const { message, receipt } of invocation.messages)
      if (message.receives === receipt && !message.done) message.visible = true;
    if (crash) invocations.splice(invocations.indexOf(invocation), 1);
  }

  function change(): void {
    const n = pick([...volatile]);
    if (random() < 0.6) tables.remove(source, { id: { S: `item-${n}` } });
    else tables.put(source, itemText(n, left.changes));
  }

  const taskOf = ({ action, key, timestamp }: { action: string; key: string; timestamp: number }) => ({
    task: { action, key, timestamp },
  });
  const ended = () => status.rows().filter((row) => ["failed", "cancelled"].includes(stateOf(row)));

  for (const { request, id } of scenario.requests) {
    const asked = { ...request, ...("batch-bytes" in request ? {} : { "batch-bytes": 100 }) } as Record<
      string,
      unknown
    >;
    if (asked["action"] === "restore") delete asked["batch-bytes"];
    const event = say({ "detail-type": "TaskRequested", detail: { request: asked, "request-id": id } });
    if (random() < 0.3) bus.push(event!);
  }
  const requests = [...bus];

  for (let steps = 0; ; steps++) {
    if (steps > STEPS_MAX) throw new Error(`no end after ${STEPS_MAX} steps`);
    // Memory ports work in microtasks alone: when the event loop comes round, everyone waits for a turn.
    await new Promise(setImmediate);
    for (let i = invocations.length - 1; i >= 0; i--) if (invocations[i]!.ended) invocations.splice(i, 1);
    const times = (n: number, act: () => void) => Array.from({ length: n }, () => act);
    const visible = messages.filter((one) => one.visible && !one.done).length;
    const ready = invocations.filter((one) => one.parked.length > 0).length;
    const faulty = left.faults > 0 && random() < faultiness;
    const spend = (kind: keyof typeof left, act: () => void) => () => {
      left[kind]--;
      act();
    };
    const acts = [
      ...times(Math.min(3, bus.length), () => deliver(bus.splice(below(bus.length), 1)[0]!)),
      ...times(Math.min(3, visible), receive),
      ...times(Math.min(6, 2 * ready), step),
      ...(faulty && invocations.length > 0
        ? [true, false].map((crash) => spend("faults", () => abandon(crash)))
        : []),
      ...(faulty && ready > 0
        ? (["refused", "answer lost", "throttled"] as const).map((fault) =>
            spend("faults", () => step(fault)),
          )
        : []),
      ...(faulty && bus.length > 0 ? [spend("faults", () => deliver(pick(bus)))] : []),
      ...(left.cancels > 0 && status.rows().length > 0
        ? [
            spend("cancels", () => {
              const row = pick(status.rows());
              say({ "detail-type": "TaskCancelRequested", detail: { ...taskOf(row), attempt: row.attempt } });
            }),
          ]
        : []),
      ...(left.wipes > 0 && ended().length > 0
        ? [
            spend("wipes", () => {
              for (const key of plain.archive.keys(bucket)) plain.archive.remove(bucket, key);
              const request = { ...backupRequest, "batch-bytes": 100 };
              requests.push(
                say({ "detail-type": "TaskRequested", detail: { request, "request-id": "r-9" } })!,
              );
            }),
          ]
        : []),
    ];
    const asleep = acts.length === 0 && clock.wakeNext();
    if (asleep) continue;
    if (left.retries > 0 && ended().length > 0 && (acts.length === 0 || random() < 0.1))
      acts.push(
        spend("retries", () => say({ "detail-type": "TaskRetryRequested", detail: taskOf(pick(ended())) })),
      );
    if (acts.length === 0) break;
    if (left.changes > 0) acts.push(spend("changes", change));
    pick(acts)();
  }
  return {
    requests,
    facts,
    said,
    rows: status.rows(),
    archive: plain.archive,
    restored: tables.items(destination),
    lasting: Array.from({ length: ITEMS }, (_, n) => n).filter((n) => !volatile.has(n)),
    random,
  };
}

function slowDown(call: PortCall): FerryError {
  const about = { operation: call.method, resource: call.port, message: "Slow Down", hint: "" };
  return new FerryError("throttled", "throttled", about);
}
