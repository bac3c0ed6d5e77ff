/** The wait for a new stream. */

/**
 * How long after its creation a stream may be unreadable for a new Pipe, ms: more than 90 s were observed
 * (terraform-provider-aws#40572). A Pipe that is created earlier fails, and later deploys do not repair it.
 */
const UNREADABLE_MS_MAX = 150_000;

/**
 * How long to wait before a Pipe on this stream is created, ms. A stream's ARN ends with its creation time, UTC:
 * `…:table/NAME/stream/2026-11-27T00:45:11.123`.
 */
export function waitForStreamMs(streamArn: string, nowMs: number): number {
  const createdMs = Date.parse(`${streamArn.slice(streamArn.lastIndexOf("/") + 1)}Z`);
  if (Number.isNaN(createdMs))
    throw new Error(`The stream's ARN ${streamArn} does not end with its creation time.`);
  // The upper limit is for a local clock that is late.
  return Math.min(UNREADABLE_MS_MAX, Math.max(0, createdMs + UNREADABLE_MS_MAX - nowMs));
}
