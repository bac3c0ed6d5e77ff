/**
 * The input templates of rules and Pipes. Neither escapes what it inserts: strings are inserted unchanged, without quotes;
 * objects and arrays as JSON.
 */
import { compilePath } from "./json-path.ts";

/** Renders a document (an event, or a Pipe's record) into text. */
export type Template = (document: unknown) => string;

const placeholder = /<([^<>]*)>/g;

/** A rule's template: `<aws.events.event.json>` is the whole event. Throws on any other placeholder. */
export function compileRuleTemplate(template: string): Template {
  for (const [, name] of template.matchAll(placeholder))
    if (name !== "aws.events.event.json")
      throw new Error(`input template placeholder <${name}> is not supported here`);
  return (event) => template.replaceAll(placeholder, () => JSON.stringify(event));
}

/**
 * A Pipe's template: `<$.path>` is the record's value at the path, or an empty string if there is none. Throws on any
 * other placeholder.
 */
export function compilePipeTemplate(template: string): Template {
  const lookups = new Map(
    [...template.matchAll(placeholder)].map(([, path]) => [path, compilePath(path ?? "")] as const),
  );
  return (record) =>
    template.replaceAll(placeholder, (_, path: string) => insert(lookups.get(path)?.(record)));
}

function insert(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
