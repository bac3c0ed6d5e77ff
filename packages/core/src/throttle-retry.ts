/**
 * Ports that wait out throttling. A slice hands off instead; the short steps have nobody to hand off to, and being
 * throttled is no failure.
 */
import { isThrottled, isTransient } from "./errors.ts";
import { backoffMs, TRIES_MAX } from "./pacing.ts";
import type { Ports } from "./ports.ts";
import { invocationLeftMs } from "./slice-budget.ts";

/**
 * The same ports: a call that is throttled is made again, for as long as the invocation has. A scan is also made again
 * after a transient error, a few times: its client makes one try a call.
 */
export function withThrottleRetry(ports: Ports): Ports {
  async function insist<T>(call: () => Promise<T>, triesMax = 1): Promise<T> {
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
  const { tables, archive, leases, status, claims, registry } = ports;
  return {
    ...ports,
    tables: {
      ...tables,
      describe: (t) => insist(() => tables.describe(t)),
      identify: (t) => insist(() => tables.identify(t)),
      scan: (p) => insist(() => tables.scan(p), TRIES_MAX),
    },
    archive: {
      putNew: (bucket, key, body, about) => insist(() => archive.putNew(bucket, key, body, about)),
      head: (bucket, key) => insist(() => archive.head(bucket, key)),
      get: (bucket, key) => insist(() => archive.get(bucket, key)),
      open: (bucket, key, about) => insist(() => archive.open(bucket, key, about)),
      list: (bucket, prefix, about) => insist(() => archive.list(bucket, prefix, about)),
    },
    leases: {
      read: (arn) => insist(() => leases.read(arn)),
      replace: (arn, read, next) => insist(() => leases.replace(arn, read, next)),
    },
    status: { read: (row) => insist(() => status.read(row)) },
    claims: {
      claim: (slice, message) => insist(() => claims.claim(slice, message)),
      complete: (slice, counts) => insist(() => claims.complete(slice, counts)),
      release: (slice) => insist(() => claims.release(slice)),
    },
    registry: {
      registerRequest: (requestId, asked) => insist(() => registry.registerRequest(requestId, asked)),
      findRequest: (requestId) => insist(() => registry.findRequest(requestId)),
      claimRow: (row, owner) => insist(() => registry.claimRow(row, owner)),
      isClaimed: (row) => insist(() => registry.isClaimed(row)),
      raiseAttempt: (task, attempt) => insist(() => registry.raiseAttempt(task, attempt)),
      recordRetry: (task, eventId, attempt) => insist(() => registry.recordRetry(task, eventId, attempt)),
    },
  };
}
