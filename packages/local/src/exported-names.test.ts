/**
 * An exported name has one meaning.
 */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Names that several files export, with the reason. */
const ALLOWED: Readonly<Record<string, string>> = {
  // The same kind of thing in two packages.
  Bus: "the port, and the simulation's implementation of it",
  handler: "Lambda's name of an entry point",
  run: "what a command of ferry does, in the file with the command's name",
  keyOf: "the key of a row, of a line, and of an item",
  REGION: "the region of tests, and of the graph's mocks",
  statusOf: "the status of an HTTP answer, and the simulation's status tables",
  Item: "an item of DynamoDB, in two representations",
  TableSpec: "a table of Ferry's, and a table in memory",
  Control: "an operator's cancel or retry; the simulation's actor that requests one",
  itemsOf: "the items of a table, in two fixtures of the simulation",
  settings: "a worker's settings, and the stage's settings",
  stages: "the operator's stages, and the stages of the infrastructure tests",
};

test("only listed names are exported by more than one file", async () => {
  const files = new Map<string, string[]>();
  for await (const path of glob(["packages/*/src/**/*.ts", "stacks/**/*.ts"], { cwd: root })) {
    const text = await readFile(join(root, path), "utf8");
    for (const [, name] of text.matchAll(
      /^export (?:async )?(?:const|function|class|interface|type) (\w+)/gm,
    ))
      files.set(name!, [...(files.get(name!) ?? []), path]);
  }
  const repeated = [...files].filter(([, paths]) => new Set(paths).size > 1).map(([name]) => name);
  expect(files.size).toBeGreaterThan(500);
  expect(repeated.filter((name) => ALLOWED[name] === undefined)).toEqual([]);
  expect(Object.keys(ALLOWED).filter((name) => !repeated.includes(name))).toEqual([]);
});
