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
  readonly fields: JsonObject;
  readonly timeToLive?: string | undefined;
  readonly recoveryDays?: number | undefined;
  readonly policy?: string;
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

/** A call on a table. */
interface Call {
  readonly input: JsonObject;
  readonly name: string;
  readonly settings: Settings;
  keep(change: Partial<Settings>): void;
  forget(): void;
  /** Dynalite's reply to the call. */
  pass(): Promise<Reply>;
  /** The table's description, or dynalite's refusal. */
  describe(): Promise<Reply>;
}

type Operation = (call: Call) => Promise<Reply>;

/** An operation that dynalite does not know: only its refusal of a table that does not exist is dynalite's. */
const onExisting =
  (answer: (call: Call) => Reply): Operation =>
  async (call) => {
    const found = await call.describe();
    return found.status === 200 ? answer(call) : found;
  };

const operations: Readonly<Record<string, Operation>> = {
  async CreateTable({ input, pass, keep }) {
    const reply = await pass();
    if (reply.status === 200) keep({ fields: fieldsOf(input) });
    return described(reply, "TableDescription", fieldsOf(input));
  },
  DescribeTable: async ({ pass, settings }) => described(await pass(), "Table", settings.fields),
  async DeleteTable({ settings, pass, forget }) {
    if (settings.fields["DeletionProtectionEnabled"] === true)
      return invalid("Resource cannot be deleted as it is currently protected against deletion.");
    const reply = await pass();
    if (reply.status === 200) forget();
    return reply;
  },
  async UpdateTable({ input, settings, pass, describe, keep }) {
    const change = fieldsOf(input);
    if (Object.keys(change).length === 0) return pass();
    const reply = await describe();
    if (reply.status !== 200) return reply;
    const stream = change["StreamSpecification"] as { StreamEnabled?: boolean } | undefined;
    if (stream?.StreamEnabled === true && settings.fields["StreamSpecification"] !== undefined)
      return invalid("Table already has an enabled stream");
    const fields = { ...settings.fields, ...change };
    keep({ fields });
    const { Table } = JSON.parse(reply.body) as { Table: object };
    return described(answered({ TableDescription: Table }), "TableDescription", fields);
  },
  UpdateTimeToLive: onExisting(({ input, settings, keep }) => {
    const { Enabled, AttributeName } = input["TimeToLiveSpecification"] as JsonObject;
    if (Enabled === (settings.timeToLive !== undefined))
      return invalid(`TimeToLive is already ${Enabled === true ? "enabled" : "disabled"}`);
    keep({ timeToLive: Enabled === true ? String(AttributeName) : undefined });
    return answered({ TimeToLiveSpecification: input["TimeToLiveSpecification"] });
  }),
  DescribeTimeToLive: onExisting(({ settings: { timeToLive } }) =>
    answered({
      TimeToLiveDescription:
        timeToLive === undefined
          ? { TimeToLiveStatus: "DISABLED" }
          : { TimeToLiveStatus: "ENABLED", AttributeName: timeToLive },
    }),
  ),
  UpdateContinuousBackups: onExisting(({ input, keep }) => {
    const given = input["PointInTimeRecoverySpecification"] as JsonObject;
    const { PointInTimeRecoveryEnabled, RecoveryPeriodInDays = RECOVERY_DAYS } = given;
    const recoveryDays = PointInTimeRecoveryEnabled === true ? Number(RecoveryPeriodInDays) : undefined;
    keep({ recoveryDays });
    return answered({ ContinuousBackupsDescription: backupsOf(recoveryDays) });
  }),
  DescribeContinuousBackups: onExisting(({ settings }) =>
    answered({ ContinuousBackupsDescription: backupsOf(settings.recoveryDays) }),
  ),
  // Both are always off.
  DescribeKinesisStreamingDestination: onExisting(({ name }) =>
    answered({ TableName: name, KinesisDataStreamDestinations: [] }),
  ),
  DescribeContributorInsights: onExisting(({ name }) =>
    answered({ TableName: name, ContributorInsightsStatus: "DISABLED" }),
  ),
  PutResourcePolicy: onExisting(({ input, keep }) => {
    keep({ policy: String(input["Policy"]) });
    return answered({ RevisionId: "1" });
  }),
  GetResourcePolicy: onExisting(({ name, settings: { policy } }) =>
    policy === undefined
      ? refusal("PolicyNotFoundException", `Resource-based policy not found for the ${name}`)
      : answered({ Policy: policy, RevisionId: "1" }),
  ),
};

/** DynamoDB's `handle` with these settings. */
export function withTableSettings(handle: DynamoDb["handle"]): DynamoDb["handle"] {
  const tables = new Map<string, Settings>();
  return async (region, request) => {
    const name = operationOf(request);
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    const input = operation && parseObject(request.body);
    const resource = input?.["TableName"] ?? input?.["ResourceArn"];
    if (operation === undefined || input === undefined || typeof resource !== "string")
      return handle(region, request);
    const table = resource.slice(resource.lastIndexOf("/") + 1);
    const key = `${region}/${table}`;
    const settings = tables.get(key) ?? { fields: {} };
    return operation({
      input,
      name: table,
      settings,
      keep: (change) => void tables.set(key, { ...settings, ...change }),
      forget: () => void tables.delete(key),
      pass: () => handle(region, request),
      describe: () => {
        const body = Buffer.from(JSON.stringify({ TableName: table }));
        return handle(region, withOperation(request, "DescribeTable", body));
      },
    });
  };
}

function backupsOf(recoveryDays: number | undefined) {
  return {
    ContinuousBackupsStatus: "ENABLED",
    PointInTimeRecoveryDescription:
      recoveryDays === undefined
        ? { PointInTimeRecoveryStatus: "DISABLED" }
        : { PointInTimeRecoveryStatus: "ENABLED", RecoveryPeriodInDays: recoveryDays },
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
