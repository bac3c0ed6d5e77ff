/** The status tables: the topology's keys and streams, and nothing of them is lost. The workers' notes: none of it is kept. */
import { physicalName, type TableName, tables, workerTable } from "@ferry/core/topology";
import { type Check, type Deployment, differences, ofType, same, unless } from "./check.ts";

const names = Object.keys(tables) as TableName[];

const isWorkerTable = (deployment: Deployment, name: string) =>
  name === physicalName(deployment.stage, workerTable.name);
const statusTables = (deployment: Deployment) =>
  ofType(deployment, "Table").filter(({ inputs }) => !isWorkerTable(deployment, inputs.name));

const tablesAreTheTopologys: Check = {
  name: "tables-are-the-topologys",
  broken: (deployment) => [
    ...differences(
      "table",
      [...names, workerTable.name].map((name) => physicalName(deployment.stage, name)),
      ofType(deployment, "Table").map(({ inputs }) => inputs.name),
    ),
    ...statusTables(deployment).flatMap(({ inputs }) => {
      const spec = tables[names.find((name) => physicalName(deployment.stage, name) === inputs.name)!];
      if (spec === undefined) return [];
      const keys = [spec.hash, spec.range].every((key) =>
        inputs.attributes.some((attribute: unknown) => same(attribute, key)),
      );
      return [
        ...unless(
          keys && inputs.hashKey === spec.hash.name && inputs.rangeKey === spec.range.name,
          `${inputs.name} has other keys than the topology's`,
        ),
        // "The state became X" compares both images.
        ...unless(
          spec.stream ? inputs.streamViewType === "NEW_AND_OLD_IMAGES" : inputs.streamEnabled === false,
          `${inputs.name} has the stream ${inputs.streamViewType}`,
        ),
        ...unless(
          !spec.stream ||
            inputs.globalSecondaryIndexes.some((index: { name: string; hashKey: string }) =>
              same([index.name, index.hashKey], ["by-state", "state"]),
            ),
          `${inputs.name} has no index by state: the watch could not look`,
        ),
      ];
    }),
  ],
};

const tablesAreKept: Check = {
  name: "tables-are-kept",
  broken: (deployment) => [
    ...statusTables(deployment).flatMap(({ inputs, retainOnDelete }) => [
      ...unless(
        inputs.pointInTimeRecovery?.enabled === true,
        `${inputs.name} cannot be restored to a point in time`,
      ),
      ...unless(
        inputs.deletionProtectionEnabled === deployment.settings.protect,
        `${inputs.name}'s deletion protection is ${inputs.deletionProtectionEnabled}`,
      ),
      ...unless(
        (retainOnDelete ?? false) === deployment.settings.protect,
        `${inputs.name} would ${retainOnDelete ? "stay" : "go"} with the stack`,
      ),
    ]),
    ...unless(
      deployment.graph.app.protect === deployment.settings.protect,
      "the app's own protection is not what the settings say",
    ),
  ],
};

/** A note is of no use once its task has ended, and there is one for each segment. */
const workerTableForgets: Check = {
  name: "worker-table-forgets",
  broken: (deployment) =>
    ofType(deployment, "Table")
      .filter(({ inputs }) => isWorkerTable(deployment, inputs.name))
      .flatMap(({ inputs }) => [
        ...unless(
          inputs.hashKey === workerTable.hash.name &&
            (inputs.rangeKey ?? undefined) === undefined &&
            same(inputs.attributes, [workerTable.hash]),
          `${inputs.name} has other keys than the topology's`,
        ),
        ...unless(
          same(inputs.ttl, { attributeName: workerTable.expires, enabled: true }),
          `${inputs.name} keeps its items: its TTL is ${JSON.stringify(inputs.ttl)}`,
        ),
        ...unless(inputs.billingMode === "PAY_PER_REQUEST", `${inputs.name} is paid for unused`),
        ...unless(inputs.streamEnabled === false, `${inputs.name} has a stream that nobody reads`),
        // SST's default is that it can be, at a price.
        ...unless(
          inputs.pointInTimeRecovery?.enabled !== true,
          `${inputs.name} can be restored to a point in time, for which nobody will ask`,
        ),
        ...unless(
          inputs.deletionProtectionEnabled !== true,
          `${inputs.name} is protected from deletion, though nothing of it is worth keeping`,
        ),
      ]),
};

export const statusChecks: readonly Check[] = [tablesAreTheTopologys, tablesAreKept, workerTableForgets];
