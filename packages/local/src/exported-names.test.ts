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
  handler: "Lambda's name of an entry point",
  run: "what a command of ferry does, in the file with the command's name",
  setup: "vitest's name of what runs before all tests of a project",
  callerAccount: "the look-up of the account, which synth replaces with the setting",
  stages: "the export that the file of `npm run synth -- --stages FILE` must have",
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
