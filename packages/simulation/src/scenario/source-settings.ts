/**
 * The settings of the backed-up table, as the DynamoDB API describes them. A restore with create-table applies them.
 */
import type { LateSetting } from "@ferry/core/ports";
import { tableDefinition } from "@ferry/memory/tables";
import { source } from "@ferry/memory/testing/tasks";
import { PROVISIONED, type Scenario } from "./scenario.ts";

const SOURCE_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/cities";
const POLICY = `{"Statement":[{"Resource":"${SOURCE_ARN}"}]}`;

export function sourceSettings({ data: { keys }, provisioned }: Pick<Scenario, "data" | "provisioned">) {
  return {
    Table: {
      ...tableDefinition(source.name, { keys, ...(provisioned && { provisioned: PROVISIONED }) }),
      TableArn: SOURCE_ARN,
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
      DeletionProtectionEnabled: true,
    },
    TimeToLiveDescription: { TimeToLiveStatus: "ENABLED", AttributeName: "expires" },
    Tags: [{ Key: "team", Value: "data" }],
    ContinuousBackupsDescription: {
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: "ENABLED", RecoveryPeriodInDays: 7 },
    },
    ResourcePolicy: POLICY,
  };
}

/** The same as a restore applies them to its table with this ARN. */
export function lateSettings(tableArn: string): readonly LateSetting[] {
  return [
    { name: "stream", viewType: "NEW_IMAGE" },
    { name: "time-to-live", attribute: "expires" },
    { name: "point-in-time-recovery", days: 7 },
    { name: "deletion-protection" },
    { name: "tags", tags: { team: "data" } },
    { name: "resource-policy", policy: POLICY.replaceAll(SOURCE_ARN, tableArn) },
  ];
}
