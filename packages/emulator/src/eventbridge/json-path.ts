/**
 * The JSON paths of Pipes and rules: `$.field.field`. A field's name may contain hyphens.
 */
import { isObject } from "../json.ts";

/** Returns the value at a path of a document, or undefined. */
export type Lookup = (document: unknown) => unknown;

const shape = /^\$(\.[A-Za-z0-9_-]+)*$/;

/** Compiles a path. Throws an Error that names the path if it has another form (indexes, filters, quotes). */
export function compilePath(path: string): Lookup {
  if (!shape.test(path)) throw new Error(`JSON path "${path}" is not supported here: only $.field.field is`);
  const names = path.split(".").slice(1);
  return (document) => {
    let value = document;
    for (const name of names) {
      // Own fields only: a path must not find Object's properties.
      if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
      value = value[name];
    }
    return value;
  };
}
