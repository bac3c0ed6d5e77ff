/** Invariants of protected stages and of developers' stages. */
import { physicalName, type TableName, tables, workerTable } from "@ferry/core/topology";
import { equalAsJson, type Invariants, resourcesOfType } from "./invariant.ts";

export const stageInvariants: Invariants = {
  "only-dev-stages-are-quiet": {
    reason:
      "A developer's stage has the tables of a shared stage, so its schedules and alarm actions are disabled. In other stages they are enabled.",
    *violations(deployment) {
      const { dev } = deployment.graph;
      const state = dev ? "DISABLED" : "ENABLED";
      for (const { inputs } of resourcesOfType(deployment, "Schedule"))
        if (inputs.state !== state) yield `${inputs.name} is ${inputs.state}, not ${state}`;
      for (const { inputs } of resourcesOfType(deployment, "MetricAlarm")) {
        if (inputs.actionsEnabled !== !dev)
          yield `${inputs.name} has actionsEnabled: ${inputs.actionsEnabled}`;
        if (!(inputs.alarmActions?.length > 0)) yield `${inputs.name} has no actions`;
      }
    },
  },
  "protected-stages-keep-their-tables": {
    reason:
      "The status tables are the record of every archive, and `sst remove` must not delete them by mistake.",
    *violations(deployment) {
      const { graph, settings } = deployment;
      const names = (Object.keys(tables) as TableName[]).map((name) => physicalName(graph.app.stage, name));
      if (graph.app.protect !== settings.protect) yield `the app has protect: ${graph.app.protect}`;
      for (const { inputs, retainOnDelete = false } of resourcesOfType(deployment, "Table")) {
        // A table that was kept makes its re-creation fail; this one has nothing to keep.
        if (inputs.name === physicalName(graph.app.stage, workerTable.name) && retainOnDelete)
          yield `${inputs.name} is kept when the stage is removed`;
        if (!names.includes(inputs.name)) continue;
        if (inputs.deletionProtectionEnabled !== settings.protect)
          yield `${inputs.name} has deletionProtectionEnabled: ${inputs.deletionProtectionEnabled}`;
        if (retainOnDelete !== settings.protect) yield `${inputs.name} has retainOnDelete: ${retainOnDelete}`;
        if (inputs.pointInTimeRecovery?.enabled !== true)
          yield `${inputs.name} has no point-in-time recovery`;
      }
    },
  },
  "protected-stages-are-never-dev": {
    reason: "In `sst dev` a stub reports success for the messages of a stage, and SQS deletes them.",
    *violations({ graph, settings }) {
      if (graph.dev && settings.protect) yield `the protected stage ${graph.app.stage} is built for sst dev`;
    },
  },
  "stages-are-pinned": {
    reason:
      "With another account's credentials, or in another region, a deploy would create a second stage or fail at the roles, whose names are global.",
    *violations({ graph, settings }) {
      const { region, allowedAccountIds } = graph.app.providers.aws;
      if (region !== settings.region) yield `the provider's region is ${region}, not ${settings.region}`;
      if (!equalAsJson(allowedAccountIds, [settings.account]))
        yield `the provider accepts the accounts ${allowedAccountIds}, not only ${settings.account}`;
    },
  },
  "protected-stages-have-a-reader": {
    reason:
      "An alarm that notifies a topic without a subscription is not seen, unless the settings say so on purpose.",
    *violations(deployment) {
      const { alarmEmail, protect } = deployment.settings;
      const addresses = resourcesOfType(deployment, "TopicSubscription").map(({ inputs }) => inputs.endpoint);
      const expected = alarmEmail === undefined || alarmEmail === "none" ? [] : [alarmEmail];
      if (protect && alarmEmail === undefined) yield "the settings name no address for alarms";
      if (!equalAsJson(addresses, expected))
        yield `the alarms are sent to ${addresses.join(", ") || "no address"}, not to ${expected.join(", ") || "none"}`;
    },
  },
};
