import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { WORKER_NODE_OPTIONS } from "@ferry/core/settings/node-options";
import { expect, test } from "vitest";
import { answerOf, nodeOptionsOf, startModule } from "./processes.ts";

test.each([
  { way: "ferry", options: WORKER_NODE_OPTIONS },
  { way: "floor", options: WORKER_NODE_OPTIONS },
  { way: "sdk", options: process.env["NODE_OPTIONS"] ?? "" },
] as const)("the process of $way has the options of Node '$options'", async ({ way, options }) => {
  const folder = await mkdtemp(path.join(tmpdir(), "ferry-processes-"));
  const file = path.join(folder, "options.mjs");
  await writeFile(file, 'process.send(process.env.NODE_OPTIONS ?? "");');
  try {
    expect(await answerOf(startModule(file, [], nodeOptionsOf(way)))).toBe(options);
  } finally {
    await rm(folder, { recursive: true });
  }
});
