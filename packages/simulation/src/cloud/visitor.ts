/**
 * A visit: one call of an invocation on a service, with the faults that may happen before and after its effect.
 */
import { FerryError, permanent } from "@ferry/core/errors/errors";
import type { Recorder } from "../checks/recorder.ts";
import type { Faults } from "./faults.ts";
import type { Effect, Invocation } from "./invocation.ts";
import type { Queues } from "./queues.ts";
import { s3Error } from "./s3.ts";
import type { Rng } from "./scheduler.ts";

/** Makes a call, with the faults before and after its effect. */
export type Visit = (port: string, method: string, subject: string, effect: Effect) => Promise<unknown>;

/** The parts of the cloud on which visits depend. */
export interface VisitContext {
  readonly faults: Faults;
  readonly rng: Rng;
  readonly queues: Queues;
  /** Whether the permission to read and write tables and buckets is revoked. */
  readonly isDenied: () => boolean;
  readonly recorder: Recorder;
  readonly log: (line: () => string) => void;
}

/** Calls that read or write items. */
const ITEM_CALLS: ReadonlySet<string> = new Set(["table.scan", "table.write", "table.insert"]);

/** Calls that read tables of items. */
const READS: ReadonlySet<string> = new Set(["scan", "get", "describe", "settings", "identify", "owner"]);

/** Ports on Ferry's own tables. */
const OWN_TABLE_PORTS: ReadonlySet<string> = new Set([
  "status",
  "limiter",
  "claims",
  "leases",
  "registry",
  "search",
  "last-errors",
  "worker-table",
]);

/** Makes the calls of an invocation. */
export function visitor(
  invocation: Invocation,
  { faults, rng, queues, isDenied, recorder, log }: VisitContext,
): Visit {
  const { occurs } = faults;
  const latencyMs = (method?: string) =>
    occurs("stall") || (method === "PutObject" && occurs("slowPut"))
      ? rng.between(1000, 240_000)
      : rng.between(2, 60);
  return async (port, method, subject, effect) => {
    const trace = (what: string) => log(() => `${invocation.name} ${port}.${method} ${subject} ${what}`);
    await invocation.pass(latencyMs(method));
    if (occurs("crashBefore") || (port === "bus" && occurs("crashBeforeEvents"))) {
      trace("DIES BEFORE");
      return invocation.die();
    }
    if (occurs("refused")) {
      trace("connection refused");
      throw new Error("socket hang up");
    }
    const error = errorOf(port, method, faults, isDenied);
    if (error !== undefined) {
      trace(error.message);
      throw error;
    }
    let answer: unknown;
    try {
      answer = await effect();
    } catch (error) {
      trace(`→ ${(error as Error).message}`);
      throw error;
    }
    trace(describeAnswer(answer));
    if (occurs("visibilityExpired")) {
      trace("its messages are visible again");
      recorder.madeVisible(invocation);
      for (const { handle } of invocation.messages) queues.setVisibility(handle, 0);
    }
    if (occurs("crashAfter")) {
      trace("DIES AFTER");
      return invocation.die();
    }
    if (occurs("answerLost") || (ITEM_CALLS.has(`${port}.${method}`) && occurs("itemAnswerLost"))) {
      trace("answer lost");
      throw new Error("socket hang up");
    }
    await invocation.pass(latencyMs() / 2);
    return answer;
  };
}

/** The error that the service returns instead of an answer, if any. */
function errorOf(
  port: string,
  method: string,
  { occurs }: Faults,
  isDenied: () => boolean,
): Error | undefined {
  const isRead = READS.has(method);
  const isTable = port === "table";
  if (isTable && isDenied())
    return permanent("access-denied", {
      operation: method,
      resource: "table",
      message: "AccessDeniedException",
      hint: "",
    });
  if (port === "s3" && isDenied()) return s3Error("AccessDenied", 403);
  if (port === "s3" && method === "PutObject" && occurs("conflict"))
    return s3Error("ConditionalRequestConflict", 409);
  if (port === "s3") return occurs("slowDown") ? s3Error("SlowDown", 503) : undefined;
  const throttled = isTable
    ? occurs(isRead ? "throttledRead" : "throttledWrite")
    : OWN_TABLE_PORTS.has(port) && occurs("throttledStatus");
  if (!throttled) return undefined;
  const context = { operation: method, resource: port, message: "throttled", hint: "" };
  return new FerryError("throttled", "throttled", context);
}

function describeAnswer(answer: unknown): string {
  if (typeof answer !== "object") return `→ ${answer}`;
  const { unprocessed } = (answer ?? {}) as { unprocessed?: readonly unknown[] };
  return unprocessed === undefined || unprocessed.length === 0
    ? "→ ok"
    : `→ ${unprocessed.length} unprocessed`;
}
