/**
 * What a request would do, found out with the caller's own permissions. Nothing is written.
 */
import { zlibCodec } from "@ferry/aws/codec";
import { bucketOf } from "@ferry/core/archive/bucket";
import { readManifest } from "@ferry/core/archive/manifest";
import type { RestoreRequest } from "@ferry/core/request";
import { holdsItems } from "@ferry/core/restore/holds-items";
import type { AwsAccess } from "./access.ts";
import { ClientError, explaining } from "./client-error.ts";
import type { PreparedRequest } from "./request.ts";

export interface Preview {
  /** The table as DynamoDB estimates it; up to six hours old. */
  readonly table: { readonly status: string; readonly items: number; readonly bytes: number };
  /** A restore's archive. `bytes` are uncompressed; absent for an export of DynamoDB. */
  readonly archive?: { readonly items: number; readonly files: number; readonly bytes?: number };
  /** Whether the destination is empty: the backup's prefix, or the restore's table. */
  readonly destinationEmpty: boolean;
}

/**
 * Looks at the table and the archive of a request. ClientErrors `no-such-table`, `no-such-bucket`, `access-denied`,
 * `no-manifest` and the other errors of a manifest.
 */
export async function previewRequest(access: AwsAccess, { request }: PreparedRequest): Promise<Preview> {
  const address = { region: request["table-region"], name: request["table-name"] };
  const bucket = bucketOf(request);
  const prefix = request["bucket-prefix"];
  const resource = `table ${address.name} in ${address.region}`;
  return explaining({ operation: "look at", resource }, async () => {
    if (request.action === "backup") {
      const [described, objects] = await Promise.all([
        access.describe(address),
        access.archive.list(bucket, `${prefix}/`, { limit: 1 }),
      ]);
      return { table: sizeOf(described), destinationEmpty: objects.length === 0 };
    }
    const keys = request["manifest-keys"] ?? "own";
    const [described, manifest] = await Promise.all([
      access.describe(address),
      readManifest(bucket, prefix, keys, { archive: access.archive, codec: zlibCodec }),
    ]);
    return {
      table: sizeOf(described),
      archive: {
        items: manifest.items,
        files: manifest.files.length,
        ...(manifest.bytes !== undefined && { bytes: manifest.bytes }),
      },
      destinationEmpty: !(await holdsItems(address, access.tables)),
    };
  });
}

function sizeOf(table: { status: string; itemCount: number; sizeBytes: number }): Preview["table"] {
  return { status: table.status, items: table.itemCount, bytes: table.sizeBytes };
}

/** Whether the destination of a restore holds items; undefined if the caller may not read it. */
export async function destinationHoldsItems(
  access: AwsAccess,
  request: RestoreRequest,
): Promise<boolean | undefined> {
  const address = { region: request["table-region"], name: request["table-name"] };
  try {
    return await explaining({ operation: "Scan", resource: `table ${address.name}` }, () =>
      holdsItems(address, access.tables),
    );
  } catch (error) {
    if (error instanceof ClientError && error.code === "access-denied") return undefined;
    throw error;
  }
}
