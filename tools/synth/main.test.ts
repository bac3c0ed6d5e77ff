import { execFile } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";

/** Runs the synth with options that it should refuse before it builds anything. */
const refused = (...args: string[]) =>
  new Promise<{ code: unknown; said: string }>((resolve) => {
    execFile(process.execPath, [path.join(import.meta.dirname, "main.ts"), ...args], (error, _, said) =>
      resolve({ code: error?.code, said: said.trim() }),
    );
  });

test.each([
  {
    args: ["--stag", "beta"],
    code: 2,
    said: /^npm run synth[\s\S]*--stage NAME[\s\S]*Unknown option '--stag'/,
  },
  { args: ["--stage"], code: 2, said: /Option '--stage <value>' argument missing$/ },
  { args: ["--stages", "no/such.ts"], code: 1, said: /^--stages: there is no no\/such\.ts/ },
  { args: ["--plant", "nothing"], code: 1, said: /^No fault is named "nothing"/ },
  { args: ["--stage", "beta"], code: 1, said: /Stage "beta" has no settings: add it to stacks\/stages\.ts/ },
])("given $args, when it runs, then it says what is wrong, without a stack", async ({ args, code, said }) => {
  const answer = await refused(...args);
  expect(answer.code).toBe(code);
  expect(answer.said).toMatch(said);
  expect(answer.said).not.toContain("    at ");
});
