/**
 * Ports that repeat throttled calls. A slice hands off instead; a short step cannot hand off, and throttling must not
 * fail it.
 */
import { isThrottled, isTransient } from "../errors/errors.ts";
import type { Ports } from "../ports.ts";
import { invocationLeftMs } from "../segment/slice-budget.ts";
import { backoffMs, TRIES_MAX } from "./pacing.ts";

/**
 * The same ports, with throttled calls repeated until the invocation's time is used up. A scan is also repeated after a
 * transient error, up to TRIES_MAX tries, because its client makes one try per call.
 */
export function withThrottleRetry(ports: Ports): Ports {
  async function retried<T>(call: () => Promise<T>, triesMax = 1): Promise<T> {
    let failures = 0;
    for (let tries = 0; ; tries++) {
      try {
        return await call();
      } catch (error) {
        const again = isThrottled(error) || (isTransient(error) && ++failures < triesMax);
        if (!again || invocationLeftMs(ports) === 0) throw error;
        await ports.time.sleep(backoffMs(tries, ports.random));
      }
    }
  }
  const { tables, admin, archive, leases, status, claims, registry } = ports;
  return {
    ...ports,
    tables: {
      ...tables,
      describe: (t) => retried(() => tables.describe(t)),
      settings: (t) => retried(() => tables.settings(t)),
      identify: (t) => retried(() => tables.identify(t)),
      scan: (p) => retried(() => tables.scan(p), TRIES_MAX),
    },
    admin: {
      create: (table, definition, owner) => retried(() => admin.create(table, definition, owner)),
      owner: (table, arn) => retried(() => admin.owner(table, arn)),
      apply: (table, arn, setting) => retried(() => admin.apply(table, arn, setting)),
    },
    archive: {
      putNew: (bucket, key, body, options) => retried(() => archive.putNew(bucket, key, body, options)),
      head: (bucket, key) => retried(() => archive.head(bucket, key)),
      get: (bucket, key) => retried(() => archive.get(bucket, key)),
      open: (bucket, key, options) => retried(() => archive.open(bucket, key, options)),
      list: (bucket, prefix, options) => retried(() => archive.list(bucket, prefix, options)),
    },
    leases: {
      read: (arn) => retried(() => leases.read(arn)),
      replace: (arn, read, next) => retried(() => leases.replace(arn, read, next)),
    },
    status: { read: (row) => retried(() => status.read(row)) },
    claims: {
      claim: (slice, message, writer) => retried(() => claims.claim(slice, message, writer)),
      leave: (slice, writer) => retried(() => claims.leave(slice, writer)),
      arrive: (slice, window) => retried(() => claims.arrive(slice, window)),
      complete: (slice, counts) => retried(() => claims.complete(slice, counts)),
      release: (slice) => retried(() => claims.release(slice)),
    },
    registry: {
      registerRequest: (requestId, request) => retried(() => registry.registerRequest(requestId, request)),
      findRequest: (requestId) => retried(() => registry.findRequest(requestId)),
      claimRow: (row, owner) => retried(() => registry.claimRow(row, owner)),
      isClaimed: (row) => retried(() => registry.isClaimed(row)),
      raiseAttempt: (task, attempt) => retried(() => registry.raiseAttempt(task, attempt)),
      recordControl: (row, eventId, attempt) => retried(() => registry.recordControl(row, eventId, attempt)),
    },
  };
}
