/**
 * A restore's plan: a pure function of request, manifest and table, so a redelivered request plans the same.
 */
import type { Block } from "../archive/blocks.ts";
import { bucketOf } from "../archive/chain.ts";
import { members } from "../archive/cutter.ts";
import { lineSpans, readLine } from "../archive/data-file.ts";
import { type Manifest, readManifest } from "../archive/manifest.ts";
import { cutPage } from "../archive/page.ts";
import { readBlocks } from "../archive/stored-file.ts";
import { describeKeys, type KeySchema, keySchema } from "../archive/table-settings.ts";
import { permanent } from "../errors.ts";
import { type DynamoKey, type FerryEvent, type RestorePlan, VERSION } from "../events.ts";
import type { Ports, TableDescription } from "../ports.ts";
import type { RestoreRequest } from "../request.ts";
import type { TaskRef } from "../task.ts";
import { noteWindow, takeLease } from "./lease.ts";

const DEFAULT_SEGMENTS_MAX = 64;

/**
 * Accepts a valid restore request; says nothing where it was accepted before. Throws a permanent error: the reason to
 * reject it.
 */
export async function planRestore(
  request: RestoreRequest,
  task: TaskRef,
  requestTimeMs: number,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const row = await ports.status.read(task);
  // Delivered again: what was accepted is under way, and the items in the table are its own.
  if (row?.accepted === true && row["request-id"] === task["request-id"]) return [];
  const bucket = bucketOf(request);
  const keys = request["manifest-keys"] ?? "own";
  const manifest = await readManifest(bucket, request["bucket-prefix"], keys, ports);
  const table = await ports.tables.describe({ region: request["table-region"], name: request["table-name"] });
  refuseUnready(request, table);
  await refuseOtherKeys(request, manifest, table, ports);
  refuseMode(request, manifest);
  const plan = derivePlan(request, task, manifest, table, ports);
  const deadlineMs = requestTimeMs + ports.settings.taskTimeoutMs;
  await takeLease({ plan, attempt: 1, deadlineMs }, ports);
  // Under the lease: no other restore puts items there from now on.
  if ((request["restore-mode"] ?? "empty-only") === "empty-only") await refuseItems(request, ports);
  await noteWindow(plan, ports);
  return [
    {
      type: "TaskAccepted",
      detail: {
        version: VERSION,
        task,
        plan,
        attempt: 1,
        "deadline-ms": deadlineMs,
        segments: Array.from({ length: plan["total-segments"] }, (_, segment) => segment),
      },
    },
  ];
}

function derivePlan(
  request: RestoreRequest,
  task: TaskRef,
  manifest: Manifest,
  table: TableDescription,
  ports: Ports,
): RestorePlan {
  const segments =
    request["total-segments"] ??
    Math.min(Math.max(1, manifest.files.length), DEFAULT_SEGMENTS_MAX, ports.settings.maximumSegments);
  const units =
    request["write-units"] ??
    (table.provisioned === undefined ? undefined : Math.max(1, Math.floor(table.provisioned.writeUnits / 2)));
  return {
    request,
    task,
    "total-segments": segments,
    ...(units !== undefined && { "write-units": units, "units-per-write": 1 + table.indexCount }),
    table: { arn: table.arn, keys: table.keys, ...(table.id !== undefined && { id: table.id }) },
    manifest: {
      location: manifest.location,
      items: manifest.items,
      files: manifest.files.length,
      lines: manifest.lines,
      ...(manifest.window !== undefined && { window: manifest.window }),
      ...(manifest.bytes !== undefined && { bytes: manifest.bytes }),
      objects: manifest.objects,
    },
  };
}

function refuseUnready(request: RestoreRequest, table: TableDescription): void {
  if (table.status === "ACTIVE" || table.status === "UPDATING") return;
  throw refusal("table-not-active", request, `is ${table.status}.`, "Ask again when the table is ACTIVE.");
}

/** Keys are the one thing a table cannot change: they must be the archive's. */
async function refuseOtherKeys(
  request: RestoreRequest,
  manifest: Manifest,
  table: TableDescription,
  ports: Ports,
): Promise<void> {
  const wanted = keySchema(table);
  const found = await archivedKeys(request, manifest, wanted, ports);
  if (found === undefined || describeKeys(found) === describeKeys(wanted)) return;
  throw refusal(
    "key-schema-mismatch",
    request,
    `has the keys ${describeKeys(wanted)}; the archive's items have ${describeKeys(found)}.`,
    "Restore into a table with the archive's key schema: table.json under the prefix has it.",
  );
}

/** The archive's key schema: from table.json; a native export has none, so from its first line. */
async function archivedKeys(
  request: RestoreRequest,
  manifest: Manifest,
  wanted: KeySchema,
  ports: Ports,
): Promise<KeySchema | undefined> {
  if (manifest.keys !== undefined) return manifest.keys;
  const bucket = bucketOf(request);
  const file = manifest.files.find(({ itemCount }) => itemCount > 0);
  if (file === undefined) return undefined;
  const recorded = { key: file.dataFileS3Key, items: file.itemCount, md5: file.md5Checksum };
  let first: Block | undefined;
  for await (const block of readBlocks(bucket, recorded, ports)) if (block.lines > 0) first ??= block;
  const line = readLine(first!.bytes, lineSpans(first!.bytes)[0]!);
  const item = "put" in line ? line.put : line.remove;
  const attributes = new Map(members(item).map((member) => [member.name, member]));
  return wanted.map(({ name }) => {
    const attribute = attributes.get(name);
    const type = attribute === undefined ? "missing" : (members(item, attribute.start)[0]?.name ?? "missing");
    return { name, type };
  });
}

/** A change list is meant to be applied to what was restored before it. */
function refuseMode(request: RestoreRequest, manifest: Manifest): void {
  const mode = request["restore-mode"] ?? "empty-only";
  if (manifest.lines === "items" || mode === "merge") return;
  throw refusal(
    "mode-not-possible",
    request,
    `is asked to take an incremental export with restore-mode ${mode}; its changes overwrite and delete items.`,
    "Ask again with restore-mode merge.",
  );
}

/** A page may come without an item and yet not be the last: only the scan's end proves a table empty. */
async function refuseItems(request: RestoreRequest, ports: Ports): Promise<void> {
  let after: DynamoKey | undefined;
  do {
    const page = cutPage(
      await ports.tables.scan({
        table: { region: request["table-region"], name: request["table-name"] },
        segment: 0,
        totalSegments: 1,
        consistent: true,
        limit: 1,
        ...(after !== undefined && { after }),
      }),
    );
    if (page.items.length > 0) throw notEmpty(request);
    after = page.lastEvaluatedKey;
  } while (after !== undefined);
}

function notEmpty(request: RestoreRequest) {
  return refusal(
    "table-not-empty",
    request,
    "holds items already.",
    "Restore into an empty table, or ask with restore-mode merge (overwrite) or if-absent (never overwrite).",
  );
}

function refusal(code: string, request: RestoreRequest, message: string, hint: string) {
  const resource = `table ${request["table-name"]} in ${request["table-region"]}`;
  return permanent(code, { operation: "plan restore", resource, message, hint });
}
