/**
 * Numbers, sizes and times for people.
 */

export function countText(value: number): string {
  return withDigits(value, 0);
}

/** Many commands print no number, and to make a formatter takes longer than to load most modules. */
function withDigits(value: number, maximumFractionDigits: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits });
}

/** Decimal units, as AWS bills. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${withDigits(bytes / 1000 ** power, 1)} ${units[power]}`;
}

const UNIT_SECONDS = { d: 86_400, h: 3600, m: 60, s: 1 };

/** Two units at most: `2h 5m`, `41s`. */
export function seconds(value: number): string {
  let left = Math.round(value);
  const parts = Object.entries(UNIT_SECONDS).map(([unit, length]) => {
    const number = Math.floor(left / length);
    left %= length;
    return number === 0 ? "" : `${number}${unit}`;
  });
  const first = parts.findIndex(Boolean);
  return (
    parts
      .slice(first, first + 2)
      .filter(Boolean)
      .join(" ") || "0s"
  );
}

/** `2026-11-23 02:00`, in UTC as everywhere in Ferry. */
export function minute(iso: string | number): string {
  return new Date(iso).toISOString().slice(0, 16).replace("T", " ");
}

/** `02:00:05` if the time is of that day, both ISO 8601; otherwise with its date, without seconds. */
export function timeOnDay(iso: string, day: string): string {
  return iso.slice(0, 10) === day.slice(0, 10) ? iso.slice(11, 19) : minute(iso);
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${countText(value)} ${value === 1 ? one : many}`;
}

/** How long ago, in one unit: `3d`, `2h`. */
export function age(ms: number): string {
  return seconds(Math.max(0, ms) / 1000).split(" ")[0]!;
}

/** A price in US dollars; `?` if it is not known. */
export function money(usd: number | undefined): string {
  if (usd === undefined) return "?";
  return usd === 0 ? "$0" : usd < 0.01 ? "< $0.01" : `$${usd.toFixed(2)}`;
}

/** A range of durations; `?` if it is not known. */
export function durationRange(range: readonly [min: number, max: number] | undefined): string {
  if (range === undefined) return "?";
  if (range[1] < 1) return "seconds";
  const [least, most] = [seconds(Math.max(1, range[0])), seconds(range[1])];
  return least === most ? `about ${most}` : `${least} to ${most}`;
}
