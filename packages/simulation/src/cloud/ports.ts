/**
 * What one invocation works with: memory ports behind the AWS adapters where they have a say, every call with a fault
 * before and after its effect.
 */
import { archiveStore } from "@ferry/aws/archive-store";
import { eventBus } from "@ferry/aws/bus";
import { zlibCodec } from "@ferry/aws/codec";
import type { Projector } from "@ferry/aws/lambda/projector";
import type { Log } from "@ferry/aws/lambda/telemetry";
import type { Worker } from "@ferry/aws/lambda/worker";
import { pakoCodec } from "@ferry/core/archive/pako-codec";
import { FerryError, permanent } from "@ferry/core/errors";
import type {
  InsertResult,
  RateLimiter,
  Slice,
  SliceClaims,
  StatusStore,
  TableLeases,
  TaskRegistry,
  Write,
} from "@ferry/core/ports";
import type { Settings } from "@ferry/core/settings";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import { intercept } from "@ferry/memory/intercept";
import { openMd5 } from "@ferry/memory/ports";
import type { Recorder } from "../checks/recorder.ts";
import type { Bus } from "./bus.ts";
import { orderedCodec } from "./codec.ts";
import { projectorAdapters, workerAdapters } from "./dynamodb/adapters.ts";
import type { Visit } from "./dynamodb/client.ts";
import type { ItemTables } from "./dynamodb/item-tables.ts";
import type { OwnTables } from "./dynamodb/own-tables.ts";
import type { Faults } from "./faults.ts";
import type { Invocation } from "./invocation.ts";
import type { Queues } from "./queues.ts";
import { s3Error, simulatedS3, withCutBody } from "./s3.ts";
import type { Rng, Scheduler } from "./scheduler.ts";

/** What all invocations share. */
export interface Cloud {
  readonly tables: ItemTables;
  readonly archive: MemoryArchiveStore;
  readonly status: StatusStore;
  readonly limiter: RateLimiter;
  readonly claims: SliceClaims;
  readonly leases: TableLeases;
  readonly registry: TaskRegistry;
  readonly bus: Bus;
  readonly queues: Queues;
  readonly settings: Settings;
  readonly faults: Faults;
  readonly chance: Rng;
  readonly recorder: Recorder;
  /** Whether someone took away the permission to read and write tables and buckets. */
  readonly denied: () => boolean;
  /** Until when the projector does nothing, ms since 1970. */
  readonly projectorStopsUntilMs: () => number;
  readonly log: (line: () => string) => void;
  /** Given: the AWS adapters and codec are at work, and Ferry's own tables are these. */
  readonly ownTables?: OwnTables;
  /** Whether DynamoDB executes PartiQL statements. */
  readonly statements: boolean;
  /** See `Scheduler`. */
  readonly outside: Scheduler["outside"];
}

const BUS_NAME = "ferry-simulation";
const RETRY_DELAY_SECONDS = 1;

/** Calls that read or write items. */
const ITEM_CALLS: ReadonlySet<string> = new Set(["table.scan", "table.write", "table.insert"]);

/** Calls that read tables of items. */
const READS: ReadonlySet<string> = new Set(["scan", "get", "describe", "identify"]);

/** Ports on Ferry's own tables. */
const KEPT_IN_TABLES: ReadonlySet<string> = new Set([
  "status",
  "limiter",
  "claims",
  "leases",
  "registry",
  "notes",
]);

export function workerOf(invocation: Invocation, cloud: Cloud): Worker {
  const visit = visitor(invocation, cloud);
  const { recorder } = cloud;
  const wait = (msMax: number) => invocation.pass(cloud.chance.random() * msMax);
  const store = archiveStore(
    (region) =>
      simulatedS3(cloud.archive, region, async (method, key, input, effect) => {
        recorder.asked(method, input);
        const answer = await visit("s3", method, key, effect);
        const { Metadata } = answer as { Metadata?: Record<string, string> };
        if (method === "HeadObject") recorder.sawFile(invocation, key, Metadata?.["request-id"]);
        return method === "GetObject" && cloud.faults.strikes("cutBody")
          ? withCutBody(answer, cloud.chance)
          : answer;
      }),
    wait,
  );
  const issued = (call: { method: string; args: readonly unknown[] }, run: () => Promise<unknown>) => {
    recorder.called(invocation, call.method, call.args);
    return run();
  };
  const { tables, status, limiter, claims, leases, registry, codec } = servicesOf(invocation, visit, cloud);
  return {
    ports: {
      tables: intercept("table", tables, ["scan", "write", "insert"], issued),
      archive: intercept("archive", store, ["putNew"], issued),
      codec,
      status: intercept("status", status, ["read"], async (_, run) => {
        const startMs = invocation.time.now();
        const row = await run();
        recorder.looked(invocation, invocation.time.now() - startMs);
        return row;
      }),
      limiter,
      claims: noted(claims, recorder),
      leases,
      registry,
      bus: eventBus(
        cloud.bus.client((entries, effect) => {
          const types = entries.map((entry) => entry["detail-type"]).join();
          if (types.includes("SegmentCompleted")) recorder.toldComplete(invocation);
          for (const entry of entries) recorder.concluded(invocation, entry["detail-type"], entry.detail);
          return visit("bus", "PutEvents", types, effect);
        }),
        BUS_NAME,
        wait,
      ),
      random: cloud.chance.random,
    },
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

/** What a worker's ports stand on: memory, each call a visit; or the AWS adapters, each of whose requests is one. */
function servicesOf(
  invocation: Invocation,
  visit: Visit,
  cloud: Cloud,
): Pick<Worker["ports"], "tables" | "status" | "limiter" | "claims" | "leases" | "registry" | "codec"> {
  const { recorder, ownTables } = cloud;
  const tables = intercept("table", cloud.tables, ["write", "insert"], async ({ method, args }, run) => {
    const answer = await run();
    const { name } = args[0] as { name: string };
    if (method === "write") recorder.landed(invocation, name, args[1] as readonly Write[]);
    else {
      const { outcomes } = answer as InsertResult;
      const stored = (args[1] as readonly Uint8Array[]).filter((_, i) => outcomes[i] === "stored");
      recorder.landed(
        invocation,
        name,
        stored.map((put) => ({ put })),
      );
    }
    return answer;
  });
  if (ownTables !== undefined) {
    const action = invocation.consumer === "restore" ? "restore" : "backup";
    const codec = orderedCodec(zlibCodec, cloud.outside);
    return { codec, ...workerAdapters(action, { ...cloud, invocation, visit, tables, ownTables }) };
  }
  return {
    codec: pakoCodec(openMd5),
    tables: intercept(
      "table",
      tables,
      ["describe", "identify", "scan", "count", "write", "insert"],
      ({ port, method, args }, run) => visit(port, method, aboutTable(args), run),
    ),
    status: intercept("status", cloud.status, ["read"], ({ port, method }, run) =>
      visit(port, method, "", run),
    ),
    limiter: intercept("limiter", cloud.limiter, ["reserve", "release"], ({ port, method, args }, run) =>
      visit(port, method, JSON.stringify(args[1]), run),
    ),
    claims: claimsOf(visit, cloud),
    registry: registryOf(visit, cloud),
    leases: intercept("leases", cloud.leases, ["read", "replace"], ({ port, method }, run) =>
      visit(port, method, "", run),
    ),
  };
}

export function projectorOf(invocation: Invocation, cloud: Cloud): Projector {
  const visit: Visit = (port, method, about, effect) =>
    visitor(invocation, cloud)(port, method, about, async () => {
      if (cloud.faults.strikes("projectorRefused")) throw new Error("socket hang up");
      return effect();
    });
  const wait = (msMax: number) => invocation.pass(cloud.chance.random() * msMax);
  const { ownTables, recorder } = cloud;
  const { claims, ...ports } =
    ownTables !== undefined
      ? projectorAdapters({ ...cloud, invocation, visit, ownTables })
      : {
          store: intercept("status", cloud.status, ["read", "write", "raise"], ({ port, method }, run) =>
            visit(port, method, "", run),
          ),
          claims: claimsOf(visit, cloud),
          registry: registryOf(visit, cloud),
        };
  return {
    ...ports,
    claims: noted(claims, recorder),
    bus: eventBus(
      cloud.bus.client((entries, effect) => {
        const types = entries.map((entry) => entry["detail-type"]).join();
        return visit("bus", "PutEvents", types, effect);
      }),
      BUS_NAME,
      wait,
    ),
    logger: loggerOf(invocation, cloud),
    publish() {},
  };
}

/** The recorder hears of each slice that is given up, before it is. */
function noted(claims: SliceClaims, recorder: Recorder): SliceClaims {
  return intercept("claims", claims, ["release"], ({ args }, run) => {
    recorder.released(args[0] as Slice);
    return run();
  });
}

function claimsOf(visit: Visit, { claims }: Cloud): SliceClaims {
  return intercept("claims", claims, ["claim", "complete", "release"], ({ port, method, args }, run) => {
    const slice = args[0] as Slice;
    return visit(port, method, `handoffs ${slice.handoffs} of attempt ${slice.attempt}`, run);
  });
}

function registryOf(visit: Visit, { registry }: Cloud): TaskRegistry {
  const methods = [
    "registerRequest",
    "findRequest",
    "claimRow",
    "isClaimed",
    "raiseAttempt",
    "recordRetry",
  ] as const;
  return intercept("registry", registry, methods, ({ port, method, args }, run) =>
    visit(port, method, JSON.stringify(args.at(-1)), run),
  );
}

function visitor(invocation: Invocation, { faults, chance, queues, denied, recorder, log }: Cloud): Visit {
  const { strikes } = faults;
  const latencyMs = (method?: string) =>
    strikes("stall") || (method === "PutObject" && strikes("slowPut"))
      ? chance.between(1000, 240_000)
      : chance.between(2, 60);
  return async (port, method, about, effect) => {
    const say = (what: string) => log(() => `${invocation.name} ${port}.${method} ${about} ${what}`);
    await invocation.pass(latencyMs(method));
    if (strikes("crashBefore") || (port === "bus" && strikes("crashBeforeEvents"))) {
      say("DIES BEFORE");
      return invocation.die();
    }
    if (strikes("refused")) {
      say("connection refused");
      throw new Error("socket hang up");
    }
    const refusal = refusalOf(port, method, faults, denied);
    if (refusal !== undefined) {
      say(refusal.message);
      throw refusal;
    }
    let answer: unknown;
    try {
      answer = await effect();
    } catch (error) {
      say(`→ ${(error as Error).message}`);
      throw error;
    }
    say(inWords(answer));
    if (strikes("visibilityExpired")) {
      say("its messages are visible again");
      recorder.shown(invocation);
      for (const { handle } of invocation.messages) queues.setVisibility(handle, 0);
    }
    if (strikes("crashAfter")) {
      say("DIES AFTER");
      return invocation.die();
    }
    if (strikes("answerLost") || (ITEM_CALLS.has(`${port}.${method}`) && strikes("itemAnswerLost"))) {
      say("answer lost");
      throw new Error("socket hang up");
    }
    await invocation.pass(latencyMs() / 2);
    return answer;
  };
}

/** What the service says instead of an answer, if anything. */
function refusalOf(
  port: string,
  method: string,
  { strikes }: Faults,
  denied: () => boolean,
): Error | undefined {
  const isRead = READS.has(method);
  const isTable = port === "table";
  if (isTable && denied())
    return permanent("access-denied", {
      operation: method,
      resource: "table",
      message: "AccessDeniedException",
      hint: "",
    });
  if (port === "s3" && denied()) return s3Error("AccessDenied", 403);
  if (port === "s3" && method === "PutObject" && strikes("conflict"))
    return s3Error("ConditionalRequestConflict", 409);
  if (port === "s3") return strikes("slowDown") ? s3Error("SlowDown", 503) : undefined;
  const throttled = isTable
    ? strikes(isRead ? "throttledRead" : "throttledWrite")
    : KEPT_IN_TABLES.has(port) && strikes("throttledStatus");
  if (!throttled) return undefined;
  const about = { operation: method, resource: port, message: "throttled", hint: "" };
  return new FerryError("throttled", "throttled", about);
}

function loggerOf(invocation: Invocation, { log }: Cloud): Log {
  const say = (message: unknown, extra: unknown) => {
    const { error, event } = (extra ?? {}) as { error?: Error; event?: unknown };
    log(
      () =>
        `${invocation.name} says: ${message}${error === undefined ? "" : `: ${error.message}`}${event ?? ""}`,
    );
  };
  return { info() {}, warn: say, error: say } as Log;
}

function aboutTable(args: readonly unknown[]): string {
  const [first, second] = args as [{ segment?: number; after?: object; name?: string }, unknown];
  if (first.segment !== undefined)
    return `segment ${first.segment} after ${first.after === undefined ? "nothing" : JSON.stringify(first.after)}`;
  return Array.isArray(second) ? `${second.length} writes` : "";
}

function inWords(answer: unknown): string {
  if (typeof answer !== "object") return `→ ${answer}`;
  const { unprocessed } = (answer ?? {}) as { unprocessed?: readonly unknown[] };
  return unprocessed === undefined || unprocessed.length === 0
    ? "→ ok"
    : `→ ${unprocessed.length} unprocessed`;
}
