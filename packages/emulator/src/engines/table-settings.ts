/**
 * Settings of tables that dynalite lacks: stream, time to live, point-in-time recovery, deletion protection, resource policy,
 * class, encryption and on-demand limits. They are kept and described, and deletion protection protects; the others have no
 * effect.
 */
import { type JsonObject, parseObject } from "../json.ts";
import { type DynamoDb, operationOf, refusal, withOperation } from "./dynamodb.ts";
import { jsonReply, type Reply } from "./http.ts";

/** The settings of one table, as requests set them. */
interface Settings {
  /** Fields of CreateTable and UpdateTable. */
  fields: JsonObject;
  timeToLive?: string;
  recovery?: { readonly days: number };
  policy?: string;
}

/** The fields of CreateTable and UpdateTable that dynalite ignores. */
const FIELDS = [
  "StreamSpecification",
  "DeletionProtectionEnabled",
  "TableClass",
  "SSESpecification",
  "OnDemandThroughput",
] as const;
const RECOVERY_DAYS = 35;

/** DynamoDB's `handle` with these settings. */
export function withTableSettings(handle: DynamoDb["handle"]): DynamoDb["handle"] {
  const tables = new Map<string, Settings>();

  return async (region, request) => {
    const operation = operationOf(request);
    if (!HANDLED.has(operation)) return handle(region, request);
    const input = parseObject(request.body) ?? {};
    const resource = input["TableName"] ?? input["ResourceArn"];
    if (typeof resource !== "string") return handle(region, request);
    const name = resource.slice(resource.lastIndexOf("/") + 1);
    const key = `${region}/${name}`;
    const settings = tables.get(key) ?? { fields: {} };
    const keep = (change: Partial<Settings>) => void tables.set(key, { ...settings, ...change });
    /** The table's description, or dynalite's refusal. */
    const describe = () =>
      handle(
        region,
        withOperation(request, "DescribeTable", Buffer.from(JSON.stringify({ TableName: name }))),
      );

    switch (operation) {
      case "CreateTable": {
        const reply = await handle(region, request);
        if (reply.status !== 200) return reply;
        tables.set(key, { fields: fieldsOf(input) });
        return described(reply, "TableDescription", fieldsOf(input));
      }
      case "DescribeTable":
        return described(await handle(region, request), "Table", settings.fields);
      case "DeleteTable": {
        if (settings.fields["DeletionProtectionEnabled"] === true)
          return invalid("Resource cannot be deleted as it is currently protected against deletion.");
        const reply = await handle(region, request);
        if (reply.status === 200) tables.delete(key);
        return reply;
      }
      case "UpdateTable": {
        const change = fieldsOf(input);
        if (Object.keys(change).length === 0) return handle(region, request);
        const reply = await describe();
        if (reply.status !== 200) return reply;
        const stream = change["StreamSpecification"] as { StreamEnabled?: boolean } | undefined;
        if (stream?.StreamEnabled === true && settings.fields["StreamSpecification"] !== undefined)
          return invalid("Table already has an enabled stream");
        keep({ fields: { ...settings.fields, ...change } });
        const { Table } = JSON.parse(reply.body) as { Table: object };
        const answer = answered({ TableDescription: Table });
        return described(answer, "TableDescription", { ...settings.fields, ...change });
      }
    }

    // The others do not know whether the table exists.
    const exists = await describe();
    if (exists.status !== 200) return exists;
    switch (operation) {
      case "UpdateTimeToLive": {
        const { Enabled, AttributeName } = input["TimeToLiveSpecification"] as JsonObject;
        if (Enabled === (settings.timeToLive !== undefined))
          return invalid(`TimeToLive is already ${Enabled === true ? "enabled" : "disabled"}`);
        const { timeToLive: _, ...rest } = settings;
        tables.set(key, Enabled === true ? { ...rest, timeToLive: String(AttributeName) } : rest);
        return answered({ TimeToLiveSpecification: input["TimeToLiveSpecification"] });
      }
      case "DescribeTimeToLive":
        return answered({
          TimeToLiveDescription:
            settings.timeToLive === undefined
              ? { TimeToLiveStatus: "DISABLED" }
              : { TimeToLiveStatus: "ENABLED", AttributeName: settings.timeToLive },
        });
      case "UpdateContinuousBackups": {
        const { PointInTimeRecoveryEnabled, RecoveryPeriodInDays = RECOVERY_DAYS } = input[
          "PointInTimeRecoverySpecification"
        ] as JsonObject;
        const { recovery: _, ...rest } = settings;
        const changed =
          PointInTimeRecoveryEnabled === true
            ? { ...rest, recovery: { days: Number(RecoveryPeriodInDays) } }
            : rest;
        tables.set(key, changed);
        return answered({ ContinuousBackupsDescription: backupsOf(changed) });
      }
      case "DescribeContinuousBackups":
        return answered({ ContinuousBackupsDescription: backupsOf(settings) });
      // Both are always off.
      case "DescribeKinesisStreamingDestination":
        return answered({ TableName: name, KinesisDataStreamDestinations: [] });
      case "DescribeContributorInsights":
        return answered({ TableName: name, ContributorInsightsStatus: "DISABLED" });
      case "PutResourcePolicy":
        keep({ policy: String(input["Policy"]) });
        return answered({ RevisionId: "1" });
      case "GetResourcePolicy":
        return settings.policy === undefined
          ? refusal("PolicyNotFoundException", `Resource-based policy not found for the ${name}`)
          : answered({ Policy: settings.policy, RevisionId: "1" });
      default:
        throw new Error(`${operation} has no case`);
    }
  };
}

const HANDLED: ReadonlySet<string> = new Set([
  "CreateTable",
  "DescribeTable",
  "DeleteTable",
  "UpdateTable",
  "UpdateTimeToLive",
  "DescribeTimeToLive",
  "UpdateContinuousBackups",
  "DescribeContinuousBackups",
  "DescribeKinesisStreamingDestination",
  "DescribeContributorInsights",
  "PutResourcePolicy",
  "GetResourcePolicy",
]);

function backupsOf({ recovery }: Settings) {
  return {
    ContinuousBackupsStatus: "ENABLED",
    PointInTimeRecoveryDescription:
      recovery === undefined
        ? { PointInTimeRecoveryStatus: "DISABLED" }
        : { PointInTimeRecoveryStatus: "ENABLED", RecoveryPeriodInDays: recovery.days },
  };
}

function fieldsOf(input: JsonObject): JsonObject {
  return Object.fromEntries(
    FIELDS.flatMap((name) => (input[name] === undefined ? [] : [[name, input[name]]])),
  );
}

/** A reply whose description has the fields, under the names of descriptions. */
function described(reply: Reply, member: string, fields: JsonObject): Reply {
  if (reply.status !== 200) return reply;
  const { [member]: table } = JSON.parse(reply.body) as Readonly<Record<string, object>>;
  // Dynalite stores the request, with the fields that it ignores.
  const known = Object.entries(table ?? {}).filter(([name]) => !(FIELDS as readonly string[]).includes(name));
  const {
    TableClass,
    SSESpecification: sse,
    DeletionProtectionEnabled = false,
    ...same
  } = fields as {
    TableClass?: string;
    SSESpecification?: { Enabled?: boolean; SSEType?: string; KMSMasterKeyId?: string };
    DeletionProtectionEnabled?: boolean;
  };
  return answered({
    [member]: {
      ...Object.fromEntries(known),
      ...same,
      DeletionProtectionEnabled,
      ...(TableClass !== undefined && { TableClassSummary: { TableClass } }),
      ...(sse?.Enabled === true && {
        SSEDescription: {
          Status: "ENABLED",
          SSEType: sse.SSEType ?? "KMS",
          ...(sse.KMSMasterKeyId !== undefined && { KMSMasterKeyArn: sse.KMSMasterKeyId }),
        },
      }),
    },
  });
}

const answered = (output: object) => jsonReply(200, output);

const invalid = (message: string) => refusal("ValidationException", message);
