/**
 * Pure conversions between ISO 8601 times and milliseconds. The clock is a port.
 */

// biome-ignore lint/style/noRestrictedGlobals: parsing a given time reads no clock.
const parse = Date.parse;
// biome-ignore lint/style/noRestrictedGlobals: formatting a given time reads no clock.
const AtMs = Date;

/** The milliseconds since 1970 of an ISO 8601 time; NaN if the text is not one. */
export function msOf(iso: string): number {
  return parse(iso);
}

/** Milliseconds since 1970 as an ISO 8601 time with milliseconds and `Z`. */
export function isoOf(ms: number): string {
  return new AtMs(ms).toISOString();
}
