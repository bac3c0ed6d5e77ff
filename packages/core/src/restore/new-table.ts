/**
 * The table that a restore with `create-table` creates: its definition, and what becomes of each setting of the backed-up
 * table. It depends only on the request and table.json.
 */

import type { TableFile } from "../archive/table-settings.ts";
import { permanent } from "../errors/errors.ts";
import { OWNER_TAG, type RestoredSetting, type SettingReport } from "../events/setting-reports.ts";
import type { LateSetting, TableDefinition } from "../ports.ts";
import { tableResource } from "../request/addresses.ts";
import type { RestoreRequest } from "../request/request.ts";
import { tableOf } from "../table/table-identity.ts";

export interface NewTable {
  readonly definition: TableDefinition;
  /** The settings that the table gets after its data, in this order. */
  readonly late: readonly LateSetting[];
  /** What becomes of the settings that are not in `late`. */
  readonly reports: Partial<Record<RestoredSetting, SettingReport>>;
  /** What is missing of settings in `late`, even if they are applied. */
  readonly remarks: Partial<Record<RestoredSetting, string>>;
}

type Throughput = NonNullable<TableFile["Table"]["ProvisionedThroughput"]>;

/** Permanent error `table-settings-unusable`. */
export function newTable(request: RestoreRequest, file: TableFile): NewTable {
  const { Table } = file;
  const which = request["table-settings"] ?? "all";
  const reports: Partial<Record<RestoredSetting, SettingReport>> = {
    indexes: { outcome: "reapplied" },
    "billing-mode": { outcome: "reapplied" },
    "table-class": { outcome: "reapplied" },
    encryption: { outcome: "reapplied" },
  };
  const local = Table.LocalSecondaryIndexes ?? [];
  const global = (Table.GlobalSecondaryIndexes ?? []).filter(({ IndexStatus }) => IndexStatus !== "DELETING");
  const hasIndexes = isWanted("indexes", local.length + global.length > 0, which === "none");
  const billing = billingOf();
  const isProvisioned = billing === "PROVISIONED";
  const throughputOf = (of: Throughput | undefined, name: string) =>
    isProvisioned ? { ProvisionedThroughput: capacityOf(of, name) } : {};
  const indexes = !hasIndexes
    ? {}
    : {
        ...(local.length > 0 && {
          LocalSecondaryIndexes: local.map(({ IndexName, KeySchema, Projection }) => ({
            IndexName,
            KeySchema: hashFirst(KeySchema),
            Projection,
          })),
        }),
        ...(global.length > 0 && {
          GlobalSecondaryIndexes: global.map((index) => ({
            IndexName: index.IndexName,
            KeySchema: hashFirst(index.KeySchema),
            Projection: index.Projection,
            ...throughputOf(index.ProvisionedThroughput, `index ${index.IndexName}`),
            ...limitsOf(index.OnDemandThroughput),
          })),
        }),
      };
  const vectors = vectorIndexes();
  const keys: readonly (readonly { readonly AttributeName: string }[])[] = [
    Table.KeySchema,
    ...(which === "none" ? [] : [...local, ...global].map(({ KeySchema }) => KeySchema)),
    ...vectors.map(({ VectorAttribute, SearchSchema = [] }) => [VectorAttribute, ...SearchSchema]),
  ];
  // DynamoDB refuses definitions of attributes that no index uses.
  const used = new Set(keys.flat().map(({ AttributeName }) => AttributeName));
  return {
    definition: {
      KeySchema: hashFirst(Table.KeySchema),
      AttributeDefinitions: Table.AttributeDefinitions.filter(({ AttributeName }) => used.has(AttributeName)),
      ...indexes,
      ...(vectors.length > 0 && { VectorIndexes: vectors }),
      BillingMode: billing,
      ...throughputOf(Table.ProvisionedThroughput, "the table"),
      ...limitsOf(Table.OnDemandThroughput),
      ...tableClass(),
      ...encryption(),
    },
    late: lateSettings(),
    reports,
    remarks: remarksOf(file),
  };

  /** Whether the table may get a setting: the backed-up table has it, and the request does not leave it out. Otherwise it is reported. */
  function isWanted(name: RestoredSetting, hasIt: boolean, isLeftOut = which !== "all"): boolean {
    if (!hasIt) reports[name] = { outcome: "off" };
    else if (isLeftOut) reports[name] = leftOut(which);
    return hasIt && !isLeftOut;
  }

  function lateSettings(): LateSetting[] {
    const { StreamSpecification: stream, Replicas: replicas = [] } = Table;
    const late: LateSetting[] = [];
    /** `setting`: null if the backed-up table does not have it, undefined if the archive does not say. */
    const plan = (name: RestoredSetting, setting: LateSetting | null | undefined) => {
      if (!isWanted(name, setting !== null)) return;
      if (setting) late.push(setting);
      else reports[name] = notCaptured(name, file);
    };
    plan(
      "stream",
      stream?.StreamEnabled === true ? { name: "stream", viewType: stream.StreamViewType ?? "" } : null,
    );
    plan("time-to-live", timeToLive(file));
    plan("point-in-time-recovery", pointInTimeRecovery(file));
    plan(
      "deletion-protection",
      Table.DeletionProtectionEnabled === true ? { name: "deletion-protection" } : null,
    );
    const tags = tagsOf(file);
    plan(
      "tags",
      tags === undefined ? undefined : Object.keys(tags).length === 0 ? null : { name: "tags", tags },
    );
    // In any case the table's owner must be removed.
    if (!late.some(({ name }) => name === "tags")) late.push({ name: "tags", tags: {} });
    const { ResourcePolicy: policy } = file;
    // Last, because it may deny Ferry's role what the settings before it need.
    plan(
      "resource-policy",
      policy === undefined || policy === null ? policy : { name: "resource-policy", policy },
    );
    for (const [name, left] of notRecreated(file))
      if (isWanted(name, left !== null))
        reports[name] = left ? { outcome: "refused", reason: left } : notCaptured(name, file);
    if (replicas.length > 0 && isWanted("replicas", true))
      reports.replicas = {
        outcome: "refused",
        reason: `a restore creates a table in one region; the backed-up table had replicas in ${replicas.map(({ RegionName }) => RegionName).join(", ")}`,
      };
    if (isProvisioned && isWanted("auto-scaling", true))
      reports["auto-scaling"] = { outcome: "not-captured", reason: NO_AUTO_SCALING };
    return late;
  }

  /** Reports the vector indexes, and returns those that the new table gets. */
  function vectorIndexes() {
    const all = (Table.VectorIndexes ?? []).filter(({ IndexStatus }) => IndexStatus !== "DELETING");
    if (!isWanted("vector-indexes", all.length > 0, which === "none")) return [];
    reports["vector-indexes"] = isProvisioned
      ? {
          outcome: "refused",
          reason: "DynamoDB has vector indexes only on tables with billing mode on-demand",
        }
      : { outcome: "reapplied" };
    return isProvisioned ? [] : all.map(({ IndexStatus: _, ...index }) => index);
  }

  function billingOf(): "PROVISIONED" | "PAY_PER_REQUEST" {
    const mode = request["billing-mode"];
    if (mode !== undefined) {
      reports["billing-mode"] = leftOutFor(`the request has billing-mode ${mode}`);
      return mode === "provisioned" ? "PROVISIONED" : "PAY_PER_REQUEST";
    }
    if (which !== "all") {
      reports["billing-mode"] = leftOut(which);
      return "PAY_PER_REQUEST";
    }
    const archived = Table.BillingModeSummary?.BillingMode;
    // A table that was never on demand has no BillingModeSummary.
    const isOnDemand =
      archived === undefined ? !Table.ProvisionedThroughput?.ReadCapacityUnits : archived !== "PROVISIONED";
    return isOnDemand ? "PAY_PER_REQUEST" : "PROVISIONED";
  }

  function capacityOf(of: Throughput | undefined, name: string): Throughput {
    if (of === undefined || of.ReadCapacityUnits < 1 || of.WriteCapacityUnits < 1)
      throw unusable(
        request,
        `cannot be created with provisioned capacity: the archive's table.json has no capacity of ${name}, because the backed-up table was on demand.`,
        "Request the restore without billing-mode provisioned, and change the table's billing mode afterwards.",
      );
    const { ReadCapacityUnits, WriteCapacityUnits } = of;
    return { ReadCapacityUnits, WriteCapacityUnits };
  }

  function limitsOf(limits: TableFile["Table"]["OnDemandThroughput"]) {
    if (isProvisioned || which !== "all" || limits === undefined) return {};
    // DynamoDB describes a missing limit as -1.
    const set = Object.fromEntries(Object.entries(limits).filter(([, units]) => (units ?? 0) > 0));
    return Object.keys(set).length === 0 ? {} : { OnDemandThroughput: set };
  }

  function tableClass() {
    const requested = request["table-class"];
    if (requested !== undefined) {
      reports["table-class"] = leftOutFor(`the request has table-class ${requested}`);
      return { TableClass: requested.toUpperCase().replaceAll("-", "_") };
    }
    const archived = Table.TableClassSummary?.TableClass;
    return isWanted("table-class", archived !== undefined) ? { TableClass: archived } : {};
  }

  /** The key of a table is only usable in its own region. */
  function encryption() {
    const { Status, SSEType, KMSMasterKeyArn: key = "" } = Table.SSEDescription ?? {};
    if (!isWanted("encryption", SSEType === "KMS" && Status !== "DISABLED")) return {};
    if (key.split(":")[3] === request["table-region"])
      return { SSESpecification: { Enabled: true, SSEType: "KMS", KMSMasterKeyId: key } };
    reports.encryption = {
      outcome: "refused",
      reason: `the key ${key} is not in ${request["table-region"]}; the table has the key that AWS manages (aws/dynamodb)`,
    };
    return { SSESpecification: { Enabled: true, SSEType: "KMS" } };
  }
}

/** Null if it is off, undefined if the archive does not say. */
function timeToLive({ TimeToLiveDescription: described }: TableFile): LateSetting | null | undefined {
  if (described === undefined) return undefined;
  const { TimeToLiveStatus: status, AttributeName: attribute } = described;
  return (status === "ENABLED" || status === "ENABLING") && attribute !== undefined
    ? { name: "time-to-live", attribute }
    : null;
}

/** Null if it is off, undefined if the archive does not say. */
function pointInTimeRecovery({
  ContinuousBackupsDescription: file,
}: TableFile): LateSetting | null | undefined {
  if (file === undefined) return undefined;
  const { PointInTimeRecoveryStatus: status, RecoveryPeriodInDays: days } =
    file.PointInTimeRecoveryDescription ?? {};
  if (status !== "ENABLED") return null;
  return { name: "point-in-time-recovery", ...(days !== undefined && { days }) };
}

/** Undefined if the archive does not say. */
function tagsOf({ Tags }: TableFile): Readonly<Record<string, string>> | undefined {
  if (Tags === undefined) return undefined;
  const kept = Tags.filter(({ Key }) => !isReserved(Key) && Key !== OWNER_TAG);
  return Object.fromEntries(kept.map(({ Key, Value }) => [Key, Value]));
}

/** Only AWS itself may set such tags. */
function isReserved(key: string): boolean {
  return key.startsWith("aws:");
}

function remarksOf({ Tags = [] }: TableFile): NewTable["remarks"] {
  const reserved = Tags.filter(({ Key }) => isReserved(Key)).map(({ Key }) => Key);
  return reserved.length === 0 ? {} : { tags: `without ${reserved.join(", ")}, which only AWS may set` };
}

/** What a new table takes at least, without a price. Source: AWS, DynamoDB's warm throughput. */
const WARM_READS = 12_000;
const WARM_WRITES = 4_000;

/**
 * Settings that a restore never recreates, and why: each has a price or an effect on others that a restore must not decide. Null: the
 * backed-up table did not have it; undefined: the archive does not say.
 */
function notRecreated(file: TableFile): [RestoredSetting, string | null | undefined][] {
  const { Table, KinesisDataStreamDestinations: destinations, ContributorInsightsStatus: insights } = file;
  const warmed = [
    { of: "the table", warm: Table.WarmThroughput },
    ...(Table.GlobalSecondaryIndexes ?? []).map(({ IndexName, WarmThroughput }) => ({
      of: `index ${IndexName}`,
      warm: WarmThroughput,
    })),
  ].flatMap(({ of, warm: { ReadUnitsPerSecond: reads = 0, WriteUnitsPerSecond: writes = 0 } = {} }) =>
    reads > WARM_READS || writes > WARM_WRITES ? [`${of} ${reads} reads and ${writes} writes a second`] : [],
  );
  const streams = destinations
    ?.filter(({ DestinationStatus: status = "" }) => /^(ACTIVE|ENABLING|UPDATING)$/.test(status))
    .map(({ StreamArn }) => StreamArn);
  return [
    [
      "warm-throughput",
      warmed.length === 0
        ? null
        : `AWS charges for warming a table; the backed-up one took at least, for ${warmed.join(", for ")}`,
    ],
    [
      "kinesis-streaming",
      streams === undefined || streams.length > 0
        ? streams &&
          `the changes of both tables would be in one stream, ${streams.join(", ")}; enable a stream for the new table`
        : null,
    ],
    [
      "contributor-insights",
      insights === undefined || /^ENABL/.test(insights)
        ? insights && "CloudWatch charges for it and shows keys in plain text; enable it for the new table"
        : null,
    ],
  ];
}

/** The operations of a backup that read a setting besides DescribeTable. */
const OPERATIONS: Partial<Record<RestoredSetting, string>> = {
  "time-to-live": "DescribeTimeToLive",
  tags: "ListTagsOfResource",
  "point-in-time-recovery": "DescribeContinuousBackups",
  "resource-policy": "GetResourcePolicy",
  "kinesis-streaming": "DescribeKinesisStreamingDestination",
  "contributor-insights": "DescribeContributorInsights",
};

/** Scaling belongs to another service, Application Auto Scaling, and not to the table. */
const NO_AUTO_SCALING =
  "a backup does not read the table's targets and policies in Application Auto Scaling: register them for the new table";

function notCaptured(name: RestoredSetting, { NotRead = [] }: TableFile): SettingReport {
  const found = NotRead.find(({ operation }) => operation === OPERATIONS[name]);
  const reason =
    found?.reason.replace(/\.$/, "") ??
    "the archive's table.json does not have it: the version of Ferry that wrote it did not read it";
  return { outcome: "not-captured", reason };
}

function leftOut(which: string): SettingReport {
  return leftOutFor(`the request has table-settings ${which}`);
}

function leftOutFor(reason: string): SettingReport {
  return { outcome: "left-out", reason };
}

/** DynamoDB requires the hash key first. */
function hashFirst(keys: TableFile["Table"]["KeySchema"]): TableFile["Table"]["KeySchema"] {
  return keys.toSorted((a, b) => a.KeyType.localeCompare(b.KeyType));
}

/** The error of a table that cannot be created from the archive. */
export function unusable(request: RestoreRequest, predicate: string, hint: string) {
  const resource = tableResource(tableOf({ request }));
  return permanent("table-settings-unusable", { operation: "create table", resource, predicate, hint });
}
