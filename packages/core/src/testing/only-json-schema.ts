/**
 * The JSON Schema of `only`, for docs/request.schema.json: its valibot schema is a function.
 */
import type { JsonSchema } from "@valibot/to-json-schema";
import { ONLY_MAX } from "../request/only.ts";

const value: JsonSchema = {
  type: "object",
  description: "A value in DynamoDB JSON: one of S, N and B.",
  properties: { S: { type: "string" }, N: { type: "string" }, B: { type: "string" } },
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
};

const range: JsonSchema = {
  type: "object",
  description: "A range of the sort key; both ends belong to it.",
  properties: { from: value, to: value },
  minProperties: 1,
  additionalProperties: false,
};

export const onlyJsonSchema: JsonSchema = {
  type: "array",
  description: "The keys of the items to restore: a partition key's value, and a sort key's value or range.",
  minItems: 1,
  maxItems: ONLY_MAX,
  items: {
    type: "object",
    minProperties: 1,
    maxProperties: 2,
    additionalProperties: { anyOf: [value, range] },
  },
};
