/**
 * The table that a restore with `create-table` creates: its definition, and what becomes of each setting of the backed-up
 * table. It depends only on the request and table.json.
 */
import type { TableFile } from "../archive/table-settings.ts";
import { permanent } from "../errors.ts";
import type { TableDefinition } from "../ports.ts";
import type { RestoreRequest } from "../request.ts";

/** The settings that a restore reports, in this order. */
export const restoredSettings = ["indexes", "billing-mode", "table-class", "encryption"] as const;
export type RestoredSetting = (typeof restoredSettings)[number];

/**
 * What became of a setting. `reapplied`: the table has it. `off`: the backed-up table did not have it. `left-out`: the request
 * does not want it. `refused`: the table does not have it, for the reason.
 */
export interface SettingReport {
  readonly outcome: "reapplied" | "off" | "left-out" | "refused";
  readonly reason?: string;
}

export interface NewTable {
  readonly definition: TableDefinition;
  readonly reports: Readonly<Record<RestoredSetting, SettingReport>>;
}

type Throughput = NonNullable<TableFile["Table"]["ProvisionedThroughput"]>;

/** Permanent error `table-settings-unusable`. */
export function newTable(request: RestoreRequest, file: TableFile): NewTable {
  const { Table } = file;
  const which = request["table-settings"] ?? "all";
  const reports: Record<RestoredSetting, SettingReport> = {
    indexes: { outcome: "reapplied" },
    "billing-mode": { outcome: "reapplied" },
    "table-class": { outcome: "reapplied" },
    encryption: { outcome: "reapplied" },
  };
  const local = Table.LocalSecondaryIndexes ?? [];
  const global = (Table.GlobalSecondaryIndexes ?? []).filter(({ IndexStatus }) => IndexStatus !== "DELETING");
  if (local.length + global.length === 0) reports.indexes = { outcome: "off" };
  else if (which === "none") reports.indexes = leftOut(which);
  const billing = billingOf();
  const isProvisioned = billing === "PROVISIONED";
  const throughputOf = (of: Throughput | undefined, name: string) =>
    isProvisioned ? { ProvisionedThroughput: capacityOf(of, name) } : {};
  const indexes =
    which === "none"
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
  const keys = [
    Table.KeySchema,
    ...(which === "none" ? [] : [...local, ...global].map(({ KeySchema }) => KeySchema)),
  ];
  // DynamoDB refuses definitions of attributes that no key uses.
  const used = new Set(keys.flat().map(({ AttributeName }) => AttributeName));
  return {
    definition: {
      KeySchema: hashFirst(Table.KeySchema),
      AttributeDefinitions: Table.AttributeDefinitions.filter(({ AttributeName }) => used.has(AttributeName)),
      ...indexes,
      BillingMode: billing,
      ...throughputOf(Table.ProvisionedThroughput, "the table"),
      ...limitsOf(Table.OnDemandThroughput),
      ...tableClass(),
      ...encryption(),
    },
    reports,
  };

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
    if (archived === undefined) reports["table-class"] = { outcome: "off" };
    else if (which !== "all") reports["table-class"] = leftOut(which);
    else return { TableClass: archived };
    return {};
  }

  /** The key of a table is only usable in its own region. */
  function encryption() {
    const sse = Table.SSEDescription;
    if (sse === undefined || sse.Status === "DISABLED" || sse.SSEType !== "KMS")
      reports.encryption = { outcome: "off" };
    else if (which !== "all") reports.encryption = leftOut(which);
    else if (sse.KMSMasterKeyArn?.split(":")[3] === request["table-region"])
      return { SSESpecification: { Enabled: true, SSEType: "KMS", KMSMasterKeyId: sse.KMSMasterKeyArn } };
    else {
      reports.encryption = {
        outcome: "refused",
        reason: `the key ${sse.KMSMasterKeyArn ?? ""} is not in ${request["table-region"]}; the table has the key that AWS manages (aws/dynamodb)`,
      };
      return { SSESpecification: { Enabled: true, SSEType: "KMS" } };
    }
    return {};
  }
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
export function unusable(request: RestoreRequest, message: string, hint: string) {
  return permanent("table-settings-unusable", {
    operation: "create table",
    resource: `table ${request["table-name"]} in ${request["table-region"]}`,
    message,
    hint,
  });
}
