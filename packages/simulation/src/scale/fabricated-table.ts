/**
 * A table of any size that is never in memory. One fabricated item stands for the items of a whole data file: a page has one, and its
 * read takes as long as the reads of that file's pages.
 */
import type { ItemCount, ScanPage, TableDescription } from "@ferry/core/ports";
import { type MemoryTables, memoryTables } from "@ferry/memory/tables";
import { source } from "@ferry/memory/testing/tasks";

/** A fabricated table. Sizes are those of the table that it stands for. */
export interface FabricatedTable {
  readonly sizeBytes: number;
  readonly itemBytes: number;
  /** The data files of a segment, which `segments` are read in parallel. */
  files(segment: number, segments: number): number;
  /** Called for the read, or the write, of a data file's items. */
  onFile(): void;
}

const encoder = new TextEncoder();

/** The ports of a source and a destination. The source's lines have the size that DynamoDB counts and a little more. */
export function fabricatedTables(table: FabricatedTable): MemoryTables {
  const memory = memoryTables();
  const itemCount = Math.floor(table.sizeBytes / table.itemBytes);
  const sample = (n: number) => {
    const key = `{"id":{"S":"sample-${n}"},"v":{"S":"`;
    return `${key}${"x".repeat(Math.max(0, table.itemBytes - 20))}"}}`;
  };
  async function scan({ table: read, segment, totalSegments, after, limit }: ScanPage): Promise<Uint8Array> {
    if (read.name !== source.name) return encoder.encode('{"Items":[],"Count":0,"ScannedCount":0}');
    // The plan's sample.
    if (limit !== undefined)
      return encoder.encode(
        `{"Items":[${Array.from({ length: limit }, (_, n) => sample(n)).join()}],"Count":${limit},"ScannedCount":${limit}}`,
      );
    const { S: last = "-1" } = (after?.["id"] ?? {}) as { S?: string };
    const file = Number(last.split("/").at(-1)) + 1;
    const key = `{"id":{"S":"${segment}/${file}"}}`;
    const isLast = file + 1 >= table.files(segment, totalSegments);
    table.onFile();
    return encoder.encode(
      `{"Items":[${key}],"Count":1,"ScannedCount":1${isLast ? "" : `,"LastEvaluatedKey":${key}`}}`,
    );
  }
  return {
    ...memory,
    async describe(address): Promise<TableDescription> {
      const described = await memory.describe(address);
      return { ...described, sizeBytes: table.sizeBytes, itemCount };
    },
    scan,
    // An empty destination.
    count: async (): Promise<ItemCount> => ({ items: 0, units: 0 }),
    async write() {
      table.onFile();
      return { unprocessed: [], units: 0 };
    },
  };
}
