/**
 * Creates tables on DynamoDB and gives them settings. The owner is a tag that CreateTable itself sets: there is no moment in
 * which the table exists without it.
 */
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  PutResourcePolicyCommand,
  type TableDescription as SdkTable,
  type StreamViewType,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  type UpdateTableCommandInput,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { OWNER_TAG } from "@ferry/core/events/setting-reports";
import type { LateSetting, TableAdmin } from "@ferry/core/ports";
import type { TableAddress } from "@ferry/core/request/addresses";
import { nameOf, onTable, translateErrors, unlessNamed } from "../errors.ts";
import { descriptionOf, tagsOf } from "./table-description.ts";

/** Tables of all regions. The SDK retries failed calls. */
export function tableAdmin(dynamodb: (region: string) => DynamoDBClient): TableAdmin {
  return {
    create: (table, definition, owner) =>
      translateErrors(onTable("CreateTable", table), async () => {
        const input = {
          ...definition,
          TableName: table.name,
          Tags: [{ Key: OWNER_TAG, Value: owner }],
        } as CreateTableCommandInput;
        // DynamoDB's answer if a table of this name exists.
        const created = await unlessNamed(/^ResourceInUseException$/, undefined, () =>
          dynamodb(table.region).send(new CreateTableCommand(input)),
        );
        return created && descriptionOf(table, "CreateTable", created.TableDescription);
      }),

    owner: (table, arn) =>
      translateErrors(onTable("ListTagsOfResource", table), async () => {
        // Tags of a table that was just created may not exist yet. DynamoDB Local has no tags.
        const noTags = /^(ResourceNotFoundException|UnknownOperationException)$/;
        const tags = await unlessNamed(noTags, [], () => tagsOf(dynamodb(table.region), arn));
        return tags.find(({ Key }) => Key === OWNER_TAG)?.Value;
      }),

    apply: (table, arn, setting) => apply(dynamodb(table.region), table, arn, setting),
  };
}

/** DynamoDB's answers while a table, its tags or its backups are being changed. */
const PENDING = /^(ResourceInUseException|ContinuousBackupsUnavailableException)$/;

async function apply(
  client: DynamoDBClient,
  table: TableAddress,
  arn: string,
  setting: LateSetting,
): Promise<"applied" | "pending"> {
  let outcome: "applied" | "pending" = "applied";
  await send();
  return outcome;

  function send(): Promise<unknown> {
    const TableName = table.name;
    switch (setting.name) {
      case "stream": {
        const { viewType } = setting;
        const StreamSpecification = { StreamEnabled: true, StreamViewType: viewType as StreamViewType };
        return update({ StreamSpecification }, ({ StreamSpecification: stream }) => {
          return stream?.StreamEnabled === true && stream.StreamViewType === viewType;
        });
      }
      case "deletion-protection":
        return update(
          { DeletionProtectionEnabled: true },
          ({ DeletionProtectionEnabled: isEnabled }) => isEnabled === true,
        );
      case "time-to-live":
        return timeToLive(setting.attribute);
      case "point-in-time-recovery":
        return call("UpdateContinuousBackups", () =>
          client.send(
            new UpdateContinuousBackupsCommand({
              TableName,
              PointInTimeRecoverySpecification: {
                PointInTimeRecoveryEnabled: true,
                ...(setting.days !== undefined && { RecoveryPeriodInDays: setting.days }),
              },
            }),
          ),
        );
      case "tags":
        return tag(setting.tags);
      case "resource-policy":
        return call("PutResourcePolicy", () =>
          client.send(new PutResourcePolicyCommand({ ResourceArn: arn, Policy: setting.policy })),
        );
    }
  }

  /** DynamoDB refuses to enable what is enabled. */
  async function update(change: Partial<UpdateTableCommandInput>, hasIt: (described: SdkTable) => boolean) {
    const TableName = table.name;
    const answer = await call("DescribeTable", () => client.send(new DescribeTableCommand({ TableName })));
    if (answer?.Table !== undefined && hasIt(answer.Table)) return;
    await call("UpdateTable", () => client.send(new UpdateTableCommand({ ...change, TableName })));
  }

  async function timeToLive(AttributeName: string) {
    const TableName = table.name;
    const answer = await call("DescribeTimeToLive", () =>
      client.send(new DescribeTimeToLiveCommand({ TableName })),
    );
    const { TimeToLiveStatus: status, AttributeName: present } = answer?.TimeToLiveDescription ?? {};
    if ((status === "ENABLED" || status === "ENABLING") && present === AttributeName) return;
    const TimeToLiveSpecification = { Enabled: true, AttributeName };
    await call("UpdateTimeToLive", () =>
      client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification })),
    );
  }

  /** A table has at most 50 tags, so the owner is removed first. */
  async function tag(tags: Readonly<Record<string, string>>) {
    await call("UntagResource", () =>
      // A table of DynamoDB Local has no tags, so it has no owner.
      unlessNamed(/^UnknownOperationException$/, undefined, () =>
        client.send(new UntagResourceCommand({ ResourceArn: arn, TagKeys: [OWNER_TAG] })),
      ),
    );
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    if (Tags.length === 0 || outcome === "pending") return;
    await call("TagResource", () => client.send(new TagResourceCommand({ ResourceArn: arn, Tags })));
  }

  function call<T>(operation: string, run: () => Promise<T>): Promise<T | undefined> {
    return translateErrors(onTable(operation, table), async () => {
      try {
        return await run();
      } catch (error) {
        if (!PENDING.test(nameOf(error))) throw error;
        outcome = "pending";
        return undefined;
      }
    });
  }
}
