/**
 * One exported name has one meaning.
 */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Names that several files export, and why. */
const ALLOWED: Readonly<Record<string, string>> = {
  // The same thing, in two hosts or for two programs.
  Bus: "the port, and the simulation's bus, which is one",
  createBus: "makes the bus of the emulator, and that of the simulation",
  createTable: "makes a table of a test, and of the demo",
  handler: "Lambda's name of an entry point",
  keyOf: "the key of a row, of a line, and of an item",
  listen: "starts a server on a free port",
  prefixOf: "the prefix of an archive, and of a stage's names",
  queueUrl: "a queue's URL, from a link, of the emulator, and of a deployed stage",
  readArguments: "reads the command line of the demo, and of the simulation",
  REGION: "the region of tests, and of the graph's mocks",
  statusOf: "the status of an HTTP answer, and the simulation's status tables",
  Options: "the command line of the demo, and of the simulation",
  Item: "an item of DynamoDB, in the form that its file says",
  TableSpec: "a table of Ferry's, and a table in memory",
  Request: "a request of a caller, and of an HTTP client",
  Call: "a call to AWS, and one that a test's worker makes",
  Control: "an operator's cancel or retry; the simulation's actors that ask for one",
  Delivery: "a message that is delivered; the emulator's delivery of one",
  Statement: "what a fact says; of an IAM policy",
  itemsOf: "the items of a table, in two fixtures of the simulation",

  request: "puts a request, in two test clients",
  // The stage's value beside its declaration.
  account: "the schema of the setting, and the stage's account",
  bucket: "the schema of the setting, and the bucket of tests",
  pipes: "the declared Pipes, and those of the stack",
  queues: "the declared queues, and those of the stack",
  region: "the schema of the setting, and the stage's region",
  settings: "the settings of a worker, and of the stage",
  stages: "the operator's stages, and those that the checks synthesize",
  workerTable: "the declared table, and that of the stack",
};

test("no name is exported by two files, but for those that are listed with a reason", async () => {
  const files = new Map<string, string[]>();
  for await (const path of glob(["packages/*/src/**/*.ts", "stacks/**/*.ts"], { cwd: root })) {
    const text = await readFile(join(root, path), "utf8");
    for (const [, name] of text.matchAll(
      /^export (?:async )?(?:const|function|class|interface|type) (\w+)/gm,
    ))
      files.set(name!, [...(files.get(name!) ?? []), path]);
  }
  const twice = [...files].filter(([, paths]) => new Set(paths).size > 1).map(([name]) => name);
  expect(files.size).toBeGreaterThan(500);
  expect(twice.filter((name) => ALLOWED[name] === undefined)).toEqual([]);
  expect(Object.keys(ALLOWED).filter((name) => !twice.includes(name))).toEqual([]);
});
