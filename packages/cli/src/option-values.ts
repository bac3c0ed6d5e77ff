/**
 * Reads the values of options.
 */
import { ClientError } from "@ferry/client/client-error";

/** A whole number of at least `min`. ClientError `usage`, if the option has another value. */
export function wholeNumberOption(name: string, value: unknown, fallback: number, min = 1): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (typeof value === "string" && /^\d+$/.test(value) && Number.isSafeInteger(number) && number >= min)
    return number;
  throw new ClientError("usage", "usage", {
    message: `${name} must be a whole number of at least ${min}: got ${JSON.stringify(value)}.`,
    hint: `For instance ${name} ${fallback}.`,
  });
}
