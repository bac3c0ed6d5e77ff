/** An invariant: a rule that every stage's graph must satisfy, with any settings. */
import type { StageSettings } from "../../settings/schema.ts";
import type { Graph, Resource } from "../synth/graph.ts";

/** The graph of a stage, and the settings it was built from. */
export interface Deployment {
  readonly graph: Graph;
  readonly settings: StageSettings;
}

interface Invariant {
  /** Why the rule exists. */
  readonly reason: string;
  /** One sentence for each violation; none if the invariant holds. */
  readonly violations: (deployment: Deployment) => Iterable<string>;
}

/** By name. */
export type Invariants = Readonly<Record<string, Invariant>>;

/** The resources of a type, given the end of its name: `Queue` is `aws:sqs/queue:Queue`. */
export const resourcesOfType = ({ graph }: Deployment, type: string): readonly Resource[] =>
  graph.resources.filter((resource) => resource.type.endsWith(`:${type}`));

/** The last part of an ARN: a queue's, a Pipe's or a function's name. */
export const nameInArn = (arn: string): string => arn.slice(arn.lastIndexOf(":") + 1);

/** Compares as JSON. */
export const equalAsJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
