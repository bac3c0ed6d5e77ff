/** Names: physical ones by which other systems address a resource, and logical ones by which Pulumi does. */
import { type Deployment, type Invariant, ofType, unless } from "./invariant.ts";

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

const physicalNamesAreStable: Invariant = {
  name: "physical-names-are-stable",
  reason:
    "Policies of other accounts, alarms and callers refer to resources by name. A random name changes with each stage.",
  violations: (deployment) => {
    const { stage } = deployment.graph.app;
    const ours = new RegExp(`^(/aws/(lambda|vendedlogs/(events|pipes))/)?ferry-${stage}(-[a-z0-9-]+)?$`);
    return [
      ...TYPES.flatMap((type) =>
        ofType(deployment, type).flatMap(({ name, inputs }) =>
          unless(ours.test(inputs.name), `${type} ${name} has the physical name ${inputs.name}`),
        ),
      ),
      // A schedule is named after its table, and is unique in the stage's group.
      ...ofType(deployment, "Schedule").flatMap(({ name, inputs }) =>
        unless(inputs.groupName === `ferry-${stage}`, `Schedule ${name} is in the group ${inputs.groupName}`),
      ),
    ];
  },
};

/** The stage's schedules have an entry for each table, and `sst dev` uploads one stub instead of each function's code. */
const ofSettings = (name: string) => name.startsWith("Schedule-") || name.endsWith("Code");

/**
 * The logical names of one graph that another stage's graph does not have. There should be none: a name that is made from an
 * ARN or a path changes with it, and Pulumi then fails to create a second resource of the same physical name.
 */
export function missingLogicalNames(one: Deployment, other: Deployment): string[] {
  const names = new Set(other.graph.resources.map(({ type, name }) => `${type} ${name}`));
  return one.graph.resources
    .filter(({ name }) => !ofSettings(name))
    .map(({ type, name }) => `${type} ${name}`)
    .filter((name) => !names.has(name));
}

export const nameInvariants: readonly Invariant[] = [physicalNamesAreStable];
