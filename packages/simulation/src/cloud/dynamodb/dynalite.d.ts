/** The parts of dynalite that need no server: an operation's validation, and the operation on a store. */
declare module "dynalite/validations/index.js" {
  type Types = Readonly<Record<string, unknown>>;
  /** The fields of a request that its operation knows. Throws an error with `body` on one of a wrong type. */
  export function checkTypes(data: object, types: Types): object;
  /** Throws an error with `body`. Parses the expressions. */
  export function checkValidations(data: object, types: Types, custom: unknown, store: object): void;
}
declare module "dynalite/validations/*" {
  export const types: Readonly<Record<string, unknown>>;
  export const custom: unknown;
}
declare module "dynalite/actions/*" {
  /** Calls back with an error that has a `body`, or with the response. */
  const action: (store: object, data: object, done: (error: Error | null, answer?: object) => void) => void;
  export default action;
}
