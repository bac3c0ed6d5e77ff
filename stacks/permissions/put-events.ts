/** The conditions under which a role of Ferry may put events. */
import { SOURCE } from "@ferry/core/events/events";

/** Only with Ferry's source, and only these types. */
export const putConditions = (types: readonly string[]) => [
  { test: "StringEquals", variable: "events:source", values: [SOURCE] },
  { test: "StringEquals", variable: "events:detail-type", values: [...types] },
];
