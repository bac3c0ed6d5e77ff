/** Names: physical names, by which other systems address a resource, and logical names, by which Pulumi identifies it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../synth/bundle.ts";
import { type Deployment, type Invariants, resourcesOfType } from "./invariant.ts";

/** The types that SST or Pulumi would otherwise name at random. */
const TYPES = [
  "EventBus",
  "Queue",
  "Table",
  "Function",
  "Role",
  "LogGroup",
  "Pipe",
  "ScheduleGroup",
  "Topic",
  "MetricAlarm",
  "Policy",
];

/**
 * Names that differ between stages: schedules have an entry for each table and an alarm, and `sst dev` uploads one stub instead of each
 * function's code.
 */
const isStageSpecific = (name: string) =>
  name.startsWith("Schedule-") || name.startsWith("BackupOverdueAlarm-") || name.endsWith("Code");

/**
 * The logical names of one graph that another stage's graph does not have. There should be none: a name that is derived from
 * an ARN or a path changes with it, and Pulumi then fails to create a second resource with the same physical name.
 */
export function missingLogicalNames(one: Deployment, other: Deployment): string[] {
  const names = new Set(logicalNames(other));
  return logicalNames(one).filter((name) => !names.has(name));
}

/** The logical names of a graph that do not depend on its settings, by type. */
export const logicalNames = ({ graph }: Deployment): string[] =>
  graph.resources.filter(({ name }) => !isStageSpecific(name)).map(({ type, name }) => `${type} ${name}`);

const KNOWN = "stacks/graph/snapshots/logical-names.txt";

export const nameInvariants: Invariants = {
  "physical-names-are-stable": {
    reason:
      "Policies of other accounts, alarms and callers refer to resources by name. A random name changes with each stage.",
    *violations(deployment) {
      const { stage } = deployment.graph.app;
      const stable = new RegExp(`^(/aws/(lambda|vendedlogs/(events|pipes))/)?ferry-${stage}(-[a-z0-9-]+)?$`);
      for (const type of TYPES)
        for (const { name, inputs } of resourcesOfType(deployment, type))
          if (!stable.test(inputs.name)) yield `${type} ${name} has the physical name ${inputs.name}`;
      // A schedule is named after its table, and is unique in the stage's group.
      for (const { name, inputs } of resourcesOfType(deployment, "Schedule"))
        if (inputs.groupName !== `ferry-${stage}`)
          yield `Schedule ${name} is in the group ${inputs.groupName}`;
    },
  },
  "logical-names-are-known": {
    reason:
      "Pulumi creates a renamed resource before it deletes the old one, which fails where the physical name is the same, and replaces a table or a role. A rename must be seen in review.",
    *violations(deployment) {
      const known = readFileSync(path.join(root, KNOWN), "utf8").split("\n");
      for (const name of logicalNames(deployment))
        if (!known.includes(name)) yield `${name} is not in ${KNOWN}`;
    },
  },
};
