import * as v from "valibot";

/** A key as DynamoDB JSON. */
export type DynamoKey = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * The schema of a key. The key is passed on unchanged: a record schema would drop an attribute that is named like a member
 * of JavaScript's objects, such as `constructor`.
 */
export const dynamoKey = v.custom<DynamoKey>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be a key as DynamoDB JSON",
);
