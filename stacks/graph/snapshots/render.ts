/**
 * Renders a graph for review: one resource after the other, policies as lines of grants, JSON texts as their values. The
 * hashes of the functions' code are left out, because unrelated changes of the sources would change them.
 */
import { type PolicyStatement, statementsOf } from "../invariants/policies.ts";
import type { Graph } from "../synth/graph.ts";
import { yamlOf } from "./yaml.ts";

/** The resources by type and logical name, such as `Queue BackupQueue`. The stage's name is `STAGE` in every value. */
function resourcesOf(graph: Graph): Map<string, object> {
  const app: Record<string, unknown> = { ...graph.app };
  const resources: [string, object][] = [
    ["app", app],
    ...graph.resources.map(({ type, name, inputs, ...protection }): [string, object] => [
      `${type.split(":").at(-1)} ${name}`,
      { ...inputs, ...protection },
    ]),
    ...Object.entries(graph.functions).map(([name, { handler, links }]): [string, object] => [
      `links of ${name}`,
      { handler, ...links },
    ]),
  ];
  return new Map(resources.map(([title, value]) => [title, readable(value, graph.app.stage) as object]));
}

/** All resources as text. */
export const rendered = (graph: Graph): string =>
  [...resourcesOf(graph)].map(([title, value]) => yamlOf({ [title]: value })).join("\n\n");

/** The resources of `graph` that differ from those of `base`, and the titles of those that it does not have. */
export function renderedChanges(graph: Graph, base: Graph): string {
  const before = resourcesOf(base);
  const after = resourcesOf(graph);
  const text = (title: string, value: object) => yamlOf({ [title]: value });
  return [
    ...[...after]
      .filter(
        ([title, value]) => !before.has(title) || text(title, before.get(title)!) !== text(title, value),
      )
      .map(([title, value]) => text(title, value)),
    ...[...before.keys()].filter((title) => !after.has(title)).map((title) => `${title}: absent`),
  ].join("\n\n");
}

function readable(value: unknown, stage: string): unknown {
  if (Array.isArray(value)) return value.map((inner) => readable(inner, stage));
  if (typeof value === "object" && value !== null) {
    if ("Statement" in value) return grantsOf(value, stage);
    return Object.fromEntries(
      Object.entries(value)
        // SST's description of the origin of a link's value.
        .filter(([key, inner]) => !(key === "type" && String(inner).startsWith("pulumi.")))
        .map(([key, inner]) => [key, readable(inner, stage)]),
    );
  }
  if (typeof value !== "string") return value;
  const parsed = parsedJson(value);
  return parsed === undefined ? plain(value, stage) : readable(parsed, stage);
}

/** One line for each action on each resource. */
function grantsOf(policy: { Statement: unknown }, stage: string): string[] {
  return statementsOf(policy).flatMap((statement) =>
    statement.Action.flatMap((action) =>
      (statement.Resource.length > 0 ? statement.Resource : [""]).map((resource) =>
        plain(grant(statement, action, resource), stage),
      ),
    ),
  );
}

function grant(
  { Effect, Principal = {}, Condition = {} }: PolicyStatement,
  action: string,
  resource: string,
): string {
  const principals = Object.entries(Principal).map(([type, names]) => `${type} ${names.join(", ")}`);
  const conditions = Object.entries(Condition).flatMap(([test, keys]) =>
    Object.entries(keys).map(([key, values]) => `${key} ${test} ${values.join(", ")}`),
  );
  return [
    `${Effect.toLowerCase()} ${action}`,
    ...(resource === "" ? [] : [`on ${resource}`]),
    ...(principals.length === 0 ? [] : [`to ${principals.join(" and ")}`]),
    ...(conditions.length === 0 ? [] : [`if ${conditions.join(" and ")}`]),
  ].join(" ");
}

function parsedJson(text: string): unknown {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a template, which becomes JSON only with its values
  }
}

const plain = (text: string, stage: string): string =>
  text.replace(/-[0-9a-f]{64}\.zip$/, "-HASH.zip").replaceAll(new RegExp(`\\b${stage}\\b`, "g"), "STAGE");
