/** Invariants of protected stages and of developers' stages. */
import { physicalName, type TableName, tables } from "@ferry/core/topology";
import { type Invariant, resourcesOfType, violationUnless } from "./invariant.ts";

const onlyDevStagesAreQuiet: Invariant = {
  name: "only-dev-stages-are-quiet",
  reason:
    "A developer's stage has the tables of a shared stage, so its schedules and alarm actions are disabled. In other stages they are enabled.",
  violations: (deployment) => {
    const { dev } = deployment.graph;
    const state = dev ? "DISABLED" : "ENABLED";
    return [
      ...resourcesOfType(deployment, "Schedule").flatMap(({ inputs }) =>
        violationUnless(inputs.state === state, `${inputs.name} is ${inputs.state}, not ${state}`),
      ),
      ...resourcesOfType(deployment, "MetricAlarm").flatMap(({ inputs }) => [
        ...violationUnless(
          inputs.actionsEnabled === !dev,
          `${inputs.name} has actionsEnabled: ${inputs.actionsEnabled}`,
        ),
        ...violationUnless(inputs.alarmActions?.length > 0, `${inputs.name} has no actions`),
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
      ...violationUnless(graph.app.protect === settings.protect, `the app has protect: ${graph.app.protect}`),
      ...resourcesOfType(deployment, "Table")
        .filter(({ inputs }) => names.includes(inputs.name))
        .flatMap(({ inputs, retainOnDelete = false }) => [
          ...violationUnless(
            inputs.deletionProtectionEnabled === settings.protect,
            `${inputs.name} has deletionProtectionEnabled: ${inputs.deletionProtectionEnabled}`,
          ),
          ...violationUnless(
            retainOnDelete === settings.protect,
            `${inputs.name} has retainOnDelete: ${retainOnDelete}`,
          ),
          ...violationUnless(
            inputs.pointInTimeRecovery?.enabled === true,
            `${inputs.name} has no point-in-time recovery`,
          ),
        ]),
    ];
  },
};

export const stageInvariants: readonly Invariant[] = [onlyDevStagesAreQuiet, protectedStagesKeepTheirTables];
