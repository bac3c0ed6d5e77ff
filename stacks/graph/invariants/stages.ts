/** What depends on the kind of stage: protected stages, developers' stages. */
import { physicalName, type TableName, tables } from "@ferry/core/topology";
import { type Invariant, ofType, unless } from "./invariant.ts";

const onlyDevStagesAreQuiet: Invariant = {
  name: "only-dev-stages-are-quiet",
  reason:
    "A developer's stage runs no schedule and notifies nobody: a shared stage has the same tables. Others do both.",
  violations: (deployment) => {
    const { dev } = deployment.graph;
    const state = dev ? "DISABLED" : "ENABLED";
    return [
      ...ofType(deployment, "Schedule").flatMap(({ inputs }) =>
        unless(inputs.state === state, `${inputs.name} is ${inputs.state}, not ${state}`),
      ),
      ...ofType(deployment, "MetricAlarm").flatMap(({ inputs }) => [
        ...unless(
          inputs.actionsEnabled === !dev,
          `${inputs.name} has actionsEnabled: ${inputs.actionsEnabled}`,
        ),
        ...unless(inputs.alarmActions?.length > 0, `${inputs.name} has no actions`),
      ]),
    ];
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

export const stageInvariants: readonly Invariant[] = [onlyDevStagesAreQuiet, protectedStagesKeepTheirTables];
