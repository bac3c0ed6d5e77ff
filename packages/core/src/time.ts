/**
 * The two pure conversions between EventBridge's time and milliseconds. The clock itself is a port.
 */

// biome-ignore lint/style/noRestrictedGlobals: parsing a given time reads no clock.
const parse = Date.parse;
// biome-ignore lint/style/noRestrictedGlobals: formatting a given time reads no clock.
const AtMs = Date;

/** Milliseconds since 1970 of an ISO 8601 time; NaN when it is none. */
export function msOf(iso: string): number {
  return parse(iso);
}

/** The ISO 8601 time, with milliseconds and `Z`, of milliseconds since 1970. */
export function isoOf(ms: number): string {
  return new AtMs(ms).toISOString();
}
