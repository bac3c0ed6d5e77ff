/**
 * The ports of one invocation: memory, or the AWS adapters on a simulated cloud. Each call may fail before and after its
 * effect.
 */
import { archiveStore } from "@ferry/aws/archive-store";
import { eventBus } from "@ferry/aws/bus";
import { zlibCodec } from "@ferry/aws/codec";
import type { Projector } from "@ferry/aws/lambda/projector";
import type { Log } from "@ferry/aws/lambda/telemetry";
import type { Worker } from "@ferry/aws/lambda/worker";
import { pakoCodec } from "@ferry/core/archive/pako-codec";
import type {
  Bus,
  InsertResult,
  RateLimiter,
  RowSearch,
  ScanPage,
  Slice,
  SliceClaims,
  StatusStore,
  Write,
} from "@ferry/core/ports";
import type { TaskRow } from "@ferry/core/projection/status";
import type { TableAddress } from "@ferry/core/request/addresses";
import type { Settings } from "@ferry/core/settings/settings";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import { intercept } from "@ferry/memory/intercept";
import { type MemoryPorts, openMd5 } from "@ferry/memory/ports";
import { memoryRowSearch } from "@ferry/memory/row-search";
import type { MemoryTableAdmin } from "@ferry/memory/table-admin";
import { destination, source } from "@ferry/memory/testing/tasks";
import type { Recorder } from "../checks/recorder.ts";
import type { SimulatedBus } from "./bus.ts";
import { orderedCodec } from "./codec.ts";
import { projectorAdapters, workerAdapters } from "./dynamodb/adapters.ts";
import type { SharedClients } from "./dynamodb/client.ts";
import type { ItemTables } from "./dynamodb/item-tables.ts";
import type { OwnTables } from "./dynamodb/own-tables.ts";
import type { Invocation } from "./invocation.ts";
import { simulatedS3, withCutBody } from "./s3.ts";
import type { Scheduler } from "./scheduler.ts";
import { type Visit, type VisitContext, visitor } from "./visitor.ts";

/** The parts of the cloud that all invocations share. */
export interface Cloud
  extends VisitContext,
    Pick<MemoryPorts, "limiter" | "claims" | "leases" | "registry" | "lastErrors"> {
  readonly tables: ItemTables;
  readonly admin: MemoryTableAdmin;
  readonly archive: MemoryArchiveStore;
  readonly status: StatusStore;
  /** All rows of tasks. */
  readonly rows: () => readonly TaskRow[];
  readonly bus: SimulatedBus;
  readonly settings: Settings;
  /** Until when the projector is paused, ms since 1970. */
  readonly projectorPausedUntilMs: () => number;
  /** The SDK's clients of a run with the AWS adapters. */
  readonly clients: SharedClients;
  /** Ferry's own tables, if the run uses the AWS adapters and codec. */
  readonly ownTables?: OwnTables;
  /** Whether DynamoDB executes PartiQL statements. */
  readonly statements: boolean;
  /** See `Scheduler`. */
  readonly outside: Scheduler["outside"];
}

const BUS_NAME = "ferry-simulation";
const RETRY_DELAY_SECONDS = 1;

export function workerOf(invocation: Invocation, cloud: Cloud): Worker {
  const visit = visitor(invocation, cloud);
  const { recorder } = cloud;
  const store = archiveStore(
    (region) =>
      simulatedS3(cloud.archive, region, async (method, key, input, effect) => {
        recorder.bucketCalls.push({ method, input: { ...input } });
        const answer = await visit("s3", method, key, effect);
        const { Metadata } = answer as { Metadata?: Record<string, string> };
        if (method === "HeadObject") recorder.fileOwnerRead(invocation, key, Metadata?.["request-id"]);
        return method === "GetObject" && cloud.faults.occurs("cutBody")
          ? withCutBody(answer, cloud.rng)
          : answer;
      }),
    { wait: waitOf(invocation, cloud) },
  );
  const recordCall = async (
    call: { method: string; args: readonly unknown[] },
    run: () => Promise<unknown>,
  ) => {
    recorder.dataCalled(invocation, call.method, call.args);
    const answer = await run();
    recorder.capacityUsed(invocation, { answered: unitsOf(answer) });
    return answer;
  };
  const { tables, admin, status, limiter, claims, leases, registry, lastErrors, codec } = servicesOf(
    invocation,
    visit,
    cloud,
  );
  return {
    ports: withRecordedMethods(invocation, recorder, {
      tables: intercept("table", tables, ["scan", "write", "insert"], recordCall),
      admin,
      archive: intercept("archive", store, ["putNew"], recordCall),
      codec,
      status: intercept("status", status, ["read"], async (_, run) => {
        const startMs = invocation.time.now();
        const row = await run();
        recorder.polled(invocation, invocation.time.now() - startMs);
        return row;
      }),
      limiter: withRecordedReservations(limiter, invocation, recorder),
      claims: withRecordedReleases(claims, recorder),
      leases,
      registry,
      lastErrors: intercept("last-errors", lastErrors, ["record"], async ({ args }, run) => {
        await run();
        recorder.errorRecorded(String(args[0]));
      }),
      search: searchOf(visit, cloud, invocation.consumer),
      bus: busOf(invocation, visit, cloud),
      random: cloud.rng.random,
    }),
    clock: {
      ...invocation.time,
      sleep(ms) {
        recorder.waited(invocation, ms);
        return invocation.time.sleep(ms);
      },
    },
    settings: { ...cloud.settings, retryDelaySeconds: RETRY_DELAY_SECONDS },
    setVisibility: async (handle, seconds) => {
      await visit("queue", "ChangeMessageVisibility", `${Math.round(seconds)} s`, async () =>
        cloud.queues.setVisibility(handle, seconds * 1000),
      );
    },
    logger: loggerOf(invocation, cloud),
    publish() {},
  };
}

/** A worker's ports: memory with a visit per call, or the AWS adapters with a visit per request. */
function servicesOf(
  invocation: Invocation,
  visit: Visit,
  cloud: Cloud,
): Omit<Worker["ports"], "archive" | "search" | "bus" | "random"> {
  const { ownTables } = cloud;
  const tables = withRecordedUnits(cloud.tables, invocation, cloud.recorder);
  if (ownTables !== undefined) {
    const action = invocation.consumer === "restore" ? "restore" : "backup";
    const codec = orderedCodec(zlibCodec, cloud.outside);
    return { codec, ...workerAdapters(action, { ...cloud, invocation, visit, tables, ownTables }) };
  }
  const visited = visitedBy(visit);
  return {
    codec: pakoCodec(openMd5),
    tables: visited(
      "table",
      tables,
      ["describe", "settings", "identify", "scan", "count", "write", "insert"],
      describeTableCall,
    ),
    admin: visited(
      "table",
      cloud.admin,
      ["create", "owner", "apply"],
      ([table]) => (table as TableAddress).name,
    ),
    status: visited("status", cloud.status, ["read"]),
    limiter: visited("limiter", cloud.limiter, ["reserve", "release"], ([, slot]) => JSON.stringify(slot)),
    leases: visited("leases", cloud.leases, ["read", "replace"]),
    ...workerTablePortsOf(visit, cloud),
  };
}

/** Records what each call on items consumes and writes. */
function withRecordedUnits(tables: ItemTables, invocation: Invocation, recorder: Recorder): ItemTables {
  return intercept("table", tables, ["scan", "write", "insert"], async ({ method, args }, run) => {
    const answer = await run();
    const units = unitsOf(answer);
    recorder.capacityUsed(invocation, { consumed: units });
    const isScan = method === "scan";
    const { name } = isScan ? (args[0] as ScanPage).table : (args[0] as TableAddress);
    // The ceiling does not include what a plan reads.
    if (invocation.work.segment !== undefined && name === (isScan ? source : destination).name)
      recorder.consumed(isScan ? "read" : "write", units);
    if (method === "write") recorder.writesCompleted(invocation, name, args[1] as readonly Write[]);
    if (method === "insert") {
      const { outcomes } = answer as InsertResult;
      const puts = (args[1] as readonly Uint8Array[]).map((put) => ({ put }));
      const stored = puts.filter((_, i) => outcomes[i] === "stored");
      recorder.writesCompleted(invocation, name, stored);
    }
    return answer;
  });
}

/** The ports on the worker table that workers and the projector have. */
function workerTablePortsOf(visit: Visit, { claims, registry, lastErrors }: Cloud) {
  const visited = visitedBy(visit);
  return {
    claims: visited("claims", claims, ["claim", "leave", "arrive", "complete", "release"], ([slice]) => {
      const { handoffs, attempt } = slice as Slice;
      return `handoffs ${handoffs} of attempt ${attempt}`;
    }),
    registry: visited(
      "registry",
      registry,
      ["registerRequest", "findRequest", "claimRow", "isClaimed", "raiseAttempt", "recordControl"],
      (args) => JSON.stringify(args.at(-1)),
    ),
    lastErrors: visited("last-errors", lastErrors, ["record", "read"], ([eventId]) => String(eventId)),
  };
}

/** Wraps a port so that each call of `methods` is a visit. `subjectOf` describes a call's arguments in the trace. */
function visitedBy(visit: Visit) {
  return <Port extends object>(
    name: string,
    port: Port,
    methods: readonly (keyof Port & string)[],
    subjectOf: (args: readonly unknown[]) => string = () => "",
  ): Port =>
    intercept(name, port, methods, ({ method, args }, run) => visit(name, method, subjectOf(args), run));
}

/** The status tables as the monitor uses them. */
export function monitorStoreOf(invocation: Invocation, cloud: Cloud): StatusStore {
  const store = statusStoreOf(invocation, visitor(invocation, cloud), cloud);
  return withRecordedMethods(invocation, cloud.recorder, { store }).store;
}

function statusStoreOf(invocation: Invocation, visit: Visit, cloud: Cloud): StatusStore {
  const { ownTables } = cloud;
  return ownTables !== undefined
    ? projectorAdapters({ ...cloud, invocation, visit, ownTables }).store
    : visitedBy(visit)("status", cloud.status, ["read", "write", "raise"]);
}

export function projectorOf(invocation: Invocation, cloud: Cloud): Projector {
  const visit: Visit = (port, method, subject, effect) =>
    visitor(invocation, cloud)(port, method, subject, async () => {
      if (cloud.faults.occurs("projectorRefused")) throw new Error("socket hang up");
      return effect();
    });
  const { ownTables, recorder } = cloud;
  const { claims, ...ports } =
    ownTables !== undefined
      ? projectorAdapters({ ...cloud, invocation, visit, ownTables })
      : {
          store: statusStoreOf(invocation, visit, cloud),
          ...workerTablePortsOf(visit, cloud),
        };
  const recorded = {
    ...ports,
    claims: withRecordedReleases(claims, recorder),
    search: searchOf(visit, cloud, invocation.consumer),
    bus: busOf(invocation, visit, cloud),
  };
  return {
    ...withRecordedMethods(invocation, recorder, recorded),
    logger: loggerOf(invocation, cloud),
    publish() {},
  };
}

/** The bus; what an invocation puts is recorded. */
function busOf(invocation: Invocation, visit: Visit, cloud: Cloud): Bus {
  const client = cloud.bus.client(invocation.consumer, (entries, effect) => {
    for (const { "detail-type": type, detail } of entries)
      cloud.recorder.eventEmitted(invocation, type, detail);
    return visit("bus", "PutEvents", entries.map((entry) => entry["detail-type"]).join(), effect);
  });
  return eventBus(client, BUS_NAME, waitOf(invocation, cloud));
}

/** The adapters' waits before they repeat a call. */
function waitOf(invocation: Invocation, { rng }: Cloud) {
  return (msMax: number) => invocation.pass(rng.random() * msMax);
}

/** The codec and the random numbers need no permission. */
const UNRECORDED: ReadonlySet<string> = new Set(["codec", "random"]);

/** Records which methods of the ports the code calls. A call is passed on at once, so that its timing is the same. */
function withRecordedMethods<Ports extends object>(
  { consumer }: Invocation,
  recorder: Recorder,
  ports: Ports,
): Ports {
  const around = Object.entries(ports).map(([name, port]) => {
    if (UNRECORDED.has(name)) return [name, port];
    const methods = Object.entries(port as Readonly<Record<string, (...args: unknown[]) => unknown>>);
    const recorded = methods.map(([method, original]) => [
      method,
      (...args: unknown[]) => {
        recorder.portCalls.add(`${consumer} ${name}.${method}`);
        return original.apply(port, args);
      },
    ]);
    return [name, Object.fromEntries(recorded)];
  });
  return Object.fromEntries(around) as Ports;
}

/** The capacity units in the answer of a call on items; of a scan, its body. */
function unitsOf(answer: unknown): number {
  if (!(answer instanceof Uint8Array)) return (answer as { units?: number } | undefined)?.units ?? 0;
  const page = JSON.parse(new TextDecoder().decode(answer)) as {
    ConsumedCapacity: { CapacityUnits: number };
  };
  return page.ConsumedCapacity.CapacityUnits;
}

function withRecordedReservations(
  limiter: RateLimiter,
  invocation: Invocation,
  recorder: Recorder,
): RateLimiter {
  return intercept("limiter", limiter, ["reserve", "release"], async ({ method, args }, run) => {
    const { durationMs } = args[1] as { durationMs: number };
    // A release whose answer is lost may have happened.
    if (method === "release") recorder.capacityUsed(invocation, { reservedMs: -durationMs });
    else recorder.capacityUsed(invocation, { hasFailed: true });
    const answer = await run();
    if (method === "reserve")
      recorder.capacityUsed(invocation, {
        reservedMs: answer === undefined ? 0 : durationMs,
        hasFailed: false,
      });
    return answer;
  });
}

/** Records the release of each claim before it happens. */
function withRecordedReleases(claims: SliceClaims, recorder: Recorder): SliceClaims {
  return intercept("claims", claims, ["release"], ({ args }, run) => {
    recorder.released(args[0] as Slice);
    return run();
  });
}

/** A worker can search the table of its own action only. The indexes are not simulated, so each run uses this host. */
function searchOf(visit: Visit, { rows }: Cloud, consumer: Invocation["consumer"]): RowSearch {
  const search = memoryRowSearch(() =>
    rows().filter((row) => consumer === "projection" || row.action === consumer),
  );
  return visitedBy(visit)("search", search, ["ofKey", "inState"]);
}

function loggerOf(invocation: Invocation, { log }: Cloud): Log {
  const trace = (message: unknown, extra: unknown) => {
    const { error, event } = (extra ?? {}) as { error?: Error; event?: unknown };
    log(
      () =>
        `${invocation.name} logs: ${message}${error === undefined ? "" : `: ${error.message}`}${event ?? ""}`,
    );
  };
  return { info() {}, warn: trace, error: trace } as Log;
}

function describeTableCall(args: readonly unknown[]): string {
  const [first, second] = args as [{ segment?: number; after?: object; name?: string }, unknown];
  if (first.segment !== undefined)
    return `segment ${first.segment} after ${first.after === undefined ? "nothing" : JSON.stringify(first.after)}`;
  return Array.isArray(second) ? `${second.length} writes` : "";
}
