import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { bundled } from "@ferry/terminal/testing/node-process";
import { describe, expect, test } from "vitest";
import type { RestoreReport } from "./restore-process.ts";

/** A worker has 1,769 MB by default. Objects for every line of a large file would not fit in this heap. */
const HEAP_MIB = 20;
/** With V8's larger default, one collection moves so many young objects, most of them unused, that they do not fit in the heap. */
const YOUNG_MIB = 2;
/** Memory of the process besides the file: Node, the SDK, the small file, and the compressed file, which stands in for S3. */
const OTHER_MIB = 400;

async function restored(content: string, memoryMib: number): Promise<RestoreReport> {
  const limits = [`--max-old-space-size=${HEAP_MIB}`, `--max-semi-space-size=${YOUNG_MIB}`];
  const args = [...limits, bundled("local/src/e2e/restore-process"), content, String(memoryMib)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as RestoreReport;
}

describe("a worker that restores a data file", () => {
  test("of 96 MiB, with 4 MiB of the smallest items, needs little more memory than its bytes, and less if it streams the file", async () => {
    const inMemory = await restored("tiny-items", 288);
    const { items } = inMemory;
    const ended = { type: "SegmentCompleted", written: items + 1 };
    expect(items).toBeGreaterThan(125_000);
    expect(inMemory).toMatchObject({ ...ended, opens: 2 });
    expect(inMemory.rssMibMax).toBeLessThan(96 + OTHER_MIB);
    const streamed = await restored("tiny-items", 16);
    expect(streamed).toMatchObject({ ...ended, opens: 3 });
    // The setting allows 80 MiB less than the file; the rest varies between two runs.
    expect(streamed.rssMibMax).toBeLessThan(inMemory.rssMibMax - 24);
  });

  test("of 512 MiB of spaces refuses it, and holds at most one line of the largest length", async () => {
    const { type, error, rssMibMax } = await restored("spaces", 288);
    expect({ type, error }).toEqual({
      type: "SegmentFailed",
      error: expect.stringContaining("bytes in line 2, which is longer than any item"),
    });
    expect(rssMibMax).toBeLessThan(OTHER_MIB);
  });

  test("of 96 MiB of empty lines reads all of them, and holds at most what the setting allows", async () => {
    const inMemory = await restored("empty-lines", 288);
    const { type, written, opens, rssMibMax } = await restored("empty-lines", 16);
    expect({ type, written, opens }).toEqual({ type: "SegmentCompleted", written: 2, opens: 3 });
    // The setting allows 80 MiB less than the file. On a busy machine the memory of chunks is freed later.
    expect(rssMibMax).toBeLessThan(inMemory.rssMibMax - 24);
  });
});
