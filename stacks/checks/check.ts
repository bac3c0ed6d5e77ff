/** A promise about the deployed system, held against its graph. Pure. */
import type { Graph, Resource } from "../../tools/synth/graph.ts";
import type { StageSettings } from "../settings/schema.ts";

/** What the checks look at: the graph of a stage, and the settings it should be of. */
export interface Deployment {
  readonly graph: Graph;
  readonly stage: string;
  readonly dev: boolean;
  readonly settings: StageSettings;
}

export interface Check {
  readonly name: string;
  /** Each way in which the promise is broken, in words; nothing when it is kept. */
  readonly broken: (deployment: Deployment) => string[];
}

/** The resources of a type, by the end of its name: `Queue` is `aws:sqs/queue:Queue`. */
export const ofType = ({ graph }: Deployment, type: string): Resource[] =>
  graph.resources.filter((resource) => resource.type.endsWith(`:${type}`));

/** Compares as JSON compares: the order of keys is of no meaning, that of lists is. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** What is expected but not there, and what is there but not expected. */
export function differences(what: string, expected: readonly string[], found: readonly string[]): string[] {
  return [
    ...expected.filter((name) => !found.includes(name)).map((name) => `${what} ${name} is missing`),
    ...found.filter((name) => !expected.includes(name)).map((name) => `${what} ${name} is not expected`),
    ...found.filter((name, at) => found.indexOf(name) !== at).map((name) => `${what} ${name} is there twice`),
  ];
}

/** A sentence if the condition does not hold. */
export const unless = (holds: boolean, sentence: string): string[] => (holds ? [] : [sentence]);
