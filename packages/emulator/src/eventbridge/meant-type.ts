/**
 * Detail-types that are nearly right. EventBridge compares them exactly and drops an event that no rule matches, without notice.
 */
import { callerTypes } from "@ferry/core/topology";

const letters = (type: string) => type.toLowerCase().replace(/[^a-z]/g, "");

/** The caller's type that differs from this one only in case, spaces or punctuation, if any. */
export function meantType(type: string): string | undefined {
  return callerTypes.find((one) => one !== type && letters(one) === letters(type));
}
