import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { WORKER_NODE_OPTIONS } from "@ferry/core/settings/node-options";
import { expect, test } from "vitest";
import { answerOf, startModule } from "./processes.ts";

test("a process of the bench has the options of Node that a worker has on Lambda", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ferry-processes-"));
  const file = path.join(folder, "options.mjs");
  await writeFile(file, "process.send(process.env.NODE_OPTIONS);");
  try {
    expect(await answerOf(startModule(file, [], {}))).toBe(WORKER_NODE_OPTIONS);
  } finally {
    await rm(folder, { recursive: true });
  }
});
