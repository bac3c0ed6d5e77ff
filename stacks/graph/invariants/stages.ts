/** What depends on the kind of stage: protected stages, developers' stages. */
import { physicalName, type TableName, tables } from "@ferry/core/topology";
import { type Invariant, ofType, unless } from "./invariant.ts";

const schedulesAreDisabledInDev: Invariant = {
  name: "schedules-are-disabled-in-dev",
  reason: "A developer's stage lists the tables of a shared stage, which already backs them up.",
  violations: (deployment) => {
    const expected = deployment.graph.dev ? "DISABLED" : "ENABLED";
    return ofType(deployment, "Schedule").flatMap(({ inputs }) =>
      unless(inputs.state === expected, `${inputs.name} is ${inputs.state}, not ${expected}`),
    );
  },
};

const protectedStagesKeepTheirTables: Invariant = {
  name: "protected-stages-keep-their-tables",
  reason:
    "The status tables are the record of every archive, and `sst remove` must not delete them by mistake.",
  violations: (deployment) => {
    const { graph, settings } = deployment;
    const names = (Object.keys(tables) as TableName[]).map((name) => physicalName(graph.app.stage, name));
    return [
      ...unless(graph.app.protect === settings.protect, `the app has protect: ${graph.app.protect}`),
      ...ofType(deployment, "Table")
        .filter(({ inputs }) => names.includes(inputs.name))
        .flatMap(({ inputs, retainOnDelete = false }) => [
          ...unless(
            inputs.deletionProtectionEnabled === settings.protect,
            `${inputs.name} has deletionProtectionEnabled: ${inputs.deletionProtectionEnabled}`,
          ),
          ...unless(
            retainOnDelete === settings.protect,
            `${inputs.name} has retainOnDelete: ${retainOnDelete}`,
          ),
          ...unless(
            inputs.pointInTimeRecovery?.enabled === true,
            `${inputs.name} has no point-in-time recovery`,
          ),
        ]),
    ];
  },
};

const tagsAreOnEverything: Invariant = {
  name: "tags-are-on-everything",
  reason: "Costs and ownership are found by tag.",
  violations: ({ graph, settings }) => {
    const found = graph.app.providers.aws.defaultTags.tags;
    return Object.entries({ ...settings.tags, "ferry:stage": graph.app.stage }).flatMap(([tag, value]) =>
      unless(found[tag] === value, `the provider's default tags have no ${tag}=${value}`),
    );
  },
};

export const stageInvariants: readonly Invariant[] = [
  schedulesAreDisabledInDev,
  protectedStagesKeepTheirTables,
  tagsAreOnEverything,
];
