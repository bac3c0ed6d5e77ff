import { expect, test } from "vitest";
import { commandText, pasteable } from "./pasteable.ts";
import { buildProgram } from "./program.ts";

const program = buildProgram("1.0.0", async () => {});

const stage = { stage: "production", region: "eu-west-1", profile: "my team" };

test.each([
  [
    "a command of a stage",
    "`ferry watch ID` shows it",
    stage,
    "`ferry watch ID --stage production --region eu-west-1 --profile 'my team'` shows it",
  ],
  [
    "a command that has no --stage",
    "`ferry archives s3://a`",
    stage,
    "`ferry archives s3://a --region eu-west-1 --profile 'my team'`",
  ],
  [
    "the local host",
    "`ferry tasks`, `ferry doctor`",
    { local: true },
    "`ferry tasks --local`, `ferry doctor --local`",
  ],
  ["no options", "`ferry tasks`", {}, "`ferry tasks`"],
  ["a command that takes none of them", "`ferry local`", { local: true }, "`ferry local`"],
  ["a command's help", "`ferry backup --help`", { local: true }, "`ferry backup --help`"],
  ["another command", "`aws sso login`, ferry tasks", { local: true }, "`aws sso login`, ferry tasks"],
])("given %s, a printed command gets the options that it needs", (_, text, options, expected) => {
  expect(pasteable(text, { options }, program, {})).toBe(expected);
});

test("given npx, a printed command begins with npx", () => {
  expect(pasteable("`ferry tasks`", { options: { local: true } }, program, { npm_command: "exec" })).toBe(
    "`npx ferry tasks --local`",
  );
});

test("words that a shell would change are quoted", () => {
  expect(commandText("watch", "eu-west-1-a-it's ü {x}@1795399200123")).toBe(
    String.raw`\`ferry watch 'eu-west-1-a-it'\''s ü {x}@1795399200123'\``.replaceAll("\\`", "`"),
  );
  expect(commandText("verify", "s3://archives/orders/2026-11-23T02-00-00")).toBe(
    "`ferry verify s3://archives/orders/2026-11-23T02-00-00`",
  );
});
