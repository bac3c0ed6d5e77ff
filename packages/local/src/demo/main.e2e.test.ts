/**
 * The demo's errors. other-engines.e2e.test.ts runs the whole demo with --json, demo.e2e.test.ts of packages/cli with --keep.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { bundled, nodeArguments, nodeVariables } from "@ferry/terminal/testing/node-process";
import { expect, test } from "vitest";

const main = bundled("local/src/demo/main");

/** Runs the demo to its end. */
async function run(...args: string[]) {
  const child = spawn(process.execPath, [...nodeArguments, main, ...args], {
    env: nodeVariables(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { out, stderr, code };
}

test("an engine that cannot be used is refused in one line", async () => {
  const { out, stderr, code } = await run("--s3", "http://127.0.0.1:1");
  expect([out, code]).toEqual(["", 1]);
  expect(stderr).toBe(
    "ferry demo: --s3: http://127.0.0.1:1/ cannot be reached (ECONNREFUSED): start the engine first\n",
  );
});

test.each([
  [["--items", "0"], "argument '0' is invalid. It must be a whole number from 1 to"],
  [["--segments", "1000"], "It must be a whole number from 1 to 999: got 1000"],
  [["--item", "5"], "--item"],
  [["--s3", "here"], "argument 'here' is invalid. It must be a URL such as http://127.0.0.1:8000: got here"],
  [["--dynamodb", "https://dynamodb.us-east-1.amazonaws.com"], "It must not be AWS"],
])("%j is refused, with a message that names what was expected", async (args, message) => {
  const { out, stderr, code } = await run(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(out).toBe("");
});
