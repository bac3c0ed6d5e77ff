/**
 * What a request would do, found out with the caller's own permissions. Nothing is written.
 */

import { bucketOf } from "@ferry/core/archive/bucket";
import { type Manifest, readManifest } from "@ferry/core/archive/manifest";
import { definedFields } from "@ferry/core/defined-fields";
import { FerryError } from "@ferry/core/errors/errors";
import { tableResource } from "@ferry/core/request/addresses";
import type { RestoreRequest } from "@ferry/core/request/request";
import { readTableFile } from "@ferry/core/restore/create-table";
import { holdsItems } from "@ferry/core/restore/holds-items";
import { newTable } from "@ferry/core/restore/new-table";
import { readSeries } from "@ferry/core/restore/read-series";
import { tableOf } from "@ferry/core/table/table-identity";
import type { AwsAccess, TableStructure } from "../access.ts";
import { readingCodec } from "../archive/reading-codec.ts";
import { ClientError, explaining } from "../client-error.ts";
import { countedBytes, type Estimate, estimateBackup, estimateRestore } from "../price/estimate.ts";
import type { PreparedRequest } from "./request.ts";

export interface Preview {
  /** The table as DynamoDB estimates it; up to six hours old. */
  readonly table: { readonly status: string; readonly items: number; readonly bytes: number };
  /**
   * A restore's archive, or all exports of a series. `bytes` are uncompressed; absent for an export of DynamoDB. `moment`: the
   * time of the state that comes out, ISO 8601. `increments`: the prefixes of a series' incremental exports.
   */
  readonly archive?: {
    readonly items: number;
    readonly files: number;
    readonly bytes?: number;
    readonly moment?: string;
    readonly increments?: readonly string[];
  };
  /** Ferry's price, US dollars, and the shortest and longest likely duration, seconds: estimates. */
  readonly usd: number;
  readonly seconds: readonly [min: number, max: number];
  /** Whether the destination is empty: the backup's prefix, or the restore's table. */
  readonly destinationEmpty: boolean;
}

/**
 * Looks at the table and the archive of a request. ClientErrors `no-such-table`, `no-such-bucket`, `access-denied`,
 * `no-manifest` and the other errors of a manifest.
 */
export async function previewRequest(access: AwsAccess, { request }: PreparedRequest): Promise<Preview> {
  const otherRegion = request["bucket-region"] !== request["table-region"];
  const segments = request["total-segments"];
  const given = { otherRegion, totalSegments: segments };
  const address = tableOf({ request });
  const bucket = bucketOf(request);
  const prefix = request["bucket-prefix"];
  return explaining({ operation: "look at", resource: tableResource(address) }, async () => {
    if (request.action === "backup") {
      const [described, objects] = await Promise.all([
        access.describe(address),
        access.archive.list(bucket, `${prefix}/`, { limit: 1 }),
      ]);
      const consistentRead = request["consistent-read"];
      const options = definedFields({ ...given, consistentRead, unitsPerSecond: request["read-units"] });
      const estimate = estimateBackup(described, options);
      return { table: sizeOf(described), ...costOf(estimate), destinationEmpty: objects.length === 0 };
    }
    const keys = request["manifest-keys"] ?? "own";
    const ports = { archive: access.archive, codec: readingCodec };
    const manifest = await readManifest(bucket, prefix, keys, ports);
    const series = await readSeries(request, manifest, undefined, ports);
    const manifests = [manifest, ...series.map((one) => one.manifest)];
    const items = manifests.reduce((sum, one) => sum + one.items, 0);
    const moment = manifest.own ? undefined : manifests.at(-1)!.window?.to;
    const existing = await describeIfCreated(access, request);
    const described = existing ?? (await structureOfNew(request, manifest, ports));
    const sizeBytes = manifest.bytes === undefined ? described.sizeBytes : countedBytes(manifest.bytes);
    const estimate = estimateRestore(
      { ...described, itemCount: items, sizeBytes },
      definedFields({ ...given, unitsPerSecond: request["write-units"] }),
    );
    return {
      table: sizeOf(described),
      ...costOf(estimate),
      archive: definedFields({
        items,
        files: manifests.reduce((sum, one) => sum + one.files, 0),
        bytes: manifest.bytes,
        moment,
        increments: series.length === 0 ? undefined : series.map(({ prefix }) => prefix),
      }),
      destinationEmpty: existing === undefined || !(await holdsItems(address, access.tables)),
    };
  });
}

/** The destination's structure; undefined if it does not exist and the restore creates it. */
async function describeIfCreated(
  access: AwsAccess,
  request: RestoreRequest,
): Promise<TableStructure | undefined> {
  try {
    return await access.describe(tableOf({ request }));
  } catch (error) {
    const isMissing = error instanceof FerryError && error.code === "no-such-table";
    if (isMissing && request["create-table"] === true) return undefined;
    throw error;
  }
}

/** The table that the restore creates: empty, with the indexes and the capacity of its definition. */
async function structureOfNew(
  request: RestoreRequest,
  manifest: Manifest,
  ports: Parameters<typeof readTableFile>[2],
): Promise<TableStructure> {
  const { settings } = await readTableFile(request, manifest, ports);
  const { definition } = newTable(request, settings);
  const indexes = ["LocalSecondaryIndexes", "GlobalSecondaryIndexes"].flatMap(
    (name) => definition[name] ?? [],
  );
  const capacity = definition["ProvisionedThroughput"] as
    | { ReadCapacityUnits: number; WriteCapacityUnits: number }
    | undefined;
  return {
    arn: "",
    status: "to be created",
    keys: ["?"],
    keyTypes: {},
    sizeBytes: 0,
    itemCount: 0,
    indexCount: indexes.length,
    ...(capacity !== undefined && {
      provisioned: { readUnits: capacity.ReadCapacityUnits, writeUnits: capacity.WriteCapacityUnits },
    }),
  };
}

function costOf({ ways: [ferry] }: Estimate): Pick<Preview, "usd" | "seconds"> {
  return { usd: ferry!.usd!, seconds: ferry!.seconds! };
}

function sizeOf(table: { status: string; itemCount: number; sizeBytes: number }): Preview["table"] {
  return { status: table.status, items: table.itemCount, bytes: table.sizeBytes };
}

/** Whether the destination of a restore holds items; undefined if the caller may not read it. */
export async function destinationHoldsItems(
  access: AwsAccess,
  request: RestoreRequest,
): Promise<boolean | undefined> {
  const address = tableOf({ request });
  try {
    return await explaining({ operation: "Scan", resource: `table ${address.name}` }, () =>
      holdsItems(address, access.tables),
    );
  } catch (error) {
    if (error instanceof ClientError && error.code === "access-denied") return undefined;
    throw error;
  }
}
