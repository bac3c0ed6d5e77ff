/**
 * Building blocks of the schemas. docs/events.md and docs/settings.md show each field's description.
 */
import * as v from "valibot";

/** An object whose unknown fields are dropped, and whose type is readonly. */
export function readonlyObject<E extends v.ObjectEntries>(entries: E) {
  return v.pipe(v.object(entries), v.readonly());
}

/** A readonly array. */
export function list<S extends v.GenericSchema>(items: S) {
  return v.pipe(v.array(items), v.readonly());
}

/** Adds a field description to a schema. */
export function described<S extends v.GenericSchema>(schema: S, text: string) {
  return v.pipe(schema, v.description(text));
}

/** One of two schemas, chosen by the value, so that an issue names the wrong field and not the alternatives. */
export function either<A extends v.GenericSchema, B extends v.GenericSchema>(
  first: A,
  second: B,
  isSecond: (value: unknown) => boolean,
): v.LazySchema<A | B> & { readonly alternatives: readonly [A, B] } {
  const chosen = v.lazy<A | B>((value) => (isSecond(value) ? second : first));
  return Object.assign(chosen, { alternatives: [first, second] as const });
}

/** A field of a value of any shape. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/**
 * Checks a value and returns it unchanged, with its unknown fields and its order of fields: the texts of plans are
 * compared, and a step passes on fields that a newer version of Ferry put.
 */
export function unchanged<S extends v.GenericSchema>(schema: S) {
  return v.pipe(
    v.unknown(),
    v.rawCheck<unknown>(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      for (const issue of v.safeParse(schema, dataset.value).issues ?? [])
        addIssue({
          message: issue.message,
          input: issue.input,
          ...(issue.expected !== null && { expected: issue.expected }),
          received: issue.received,
          ...(issue.path !== undefined && { path: issue.path }),
        });
    }),
    v.transform((value) => value as v.InferOutput<S>),
  );
}

/** A whole number from `lowest` to `highest`. */
export function integerBetween(lowest: number, highest: number) {
  return v.pipe(v.number(), v.integer(), v.minValue(lowest), v.maxValue(highest));
}

/** A whole number, 0 or higher. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A whole number, 0 or higher, also as a string, which a Pipe's template may write. */
export const wholeNumber = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,16}$/), v.transform(Number))]),
  v.safeInteger(),
  v.minValue(0, "must be 0 or higher"),
);
