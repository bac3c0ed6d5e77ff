/**
 * The JSON paths of Pipes and rules: `$.field.field`, where a field's name may hold hyphens.
 */

/** Looks a path up in a document; undefined when there is nothing. */
export type Lookup = (document: unknown) => unknown;

const shape = /^\$(\.[A-Za-z0-9_-]+)*$/;

/** Compiles a path. Throws an Error that names a path of another shape (indexes, filters, quotes). */
export function compilePath(path: string): Lookup {
  if (!shape.test(path)) throw new Error(`JSON path "${path}" is not supported here: only $.field.field is`);
  const names = path.split(".").slice(1);
  return (document) => {
    let here = document;
    for (const name of names) {
      if (typeof here !== "object" || here === null || Array.isArray(here)) return undefined;
      // Own fields only: a path must not find what every object inherits.
      here = Object.hasOwn(here, name) ? (here as Readonly<Record<string, unknown>>)[name] : undefined;
    }
    return here;
  };
}
