/** The status tables: the topology's keys and streams, and nothing of them is lost. */
import { physicalName, type TableName, tables } from "@ferry/core/topology";
import { type Check, differences, ofType, same, unless } from "./check.ts";

const names = Object.keys(tables) as TableName[];

const tablesAreTheTopologys: Check = {
  name: "tables-are-the-topologys",
  broken: (deployment) => [
    ...differences(
      "table",
      names.map((name) => physicalName(deployment.stage, name)),
      ofType(deployment, "Table").map(({ inputs }) => inputs.name),
    ),
    ...ofType(deployment, "Table").flatMap(({ inputs }) => {
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
    ...ofType(deployment, "Table").flatMap(({ inputs, retainOnDelete }) => [
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

export const statusChecks: readonly Check[] = [tablesAreTheTopologys, tablesAreKept];
