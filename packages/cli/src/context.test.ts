import { Command } from "commander";
import { expect, test } from "vitest";
import { contextOf } from "./context.ts";
import type { Input } from "./input.ts";

const contextWith = (options: Input["options"], env: NodeJS.ProcessEnv) =>
  contextOf({ arguments: [], options }, env, new Command());

test.each([
  [{}, { FERRY_LOCAL: "", FERRY_STAGE: "" }, {}],
  [{ local: true }, { FERRY_LOCAL: "" }, { local: true }],
  [{ local: true }, { FERRY_LOCAL: "http://127.0.0.1:1" }, { local: "http://127.0.0.1:1" }],
  [{}, { FERRY_LOCAL: "http://127.0.0.1:1" }, { local: "http://127.0.0.1:1" }],
  [{ stage: "beta" }, { FERRY_LOCAL: "http://127.0.0.1:1", FERRY_STAGE: "production" }, { stage: "beta" }],
  [{}, { FERRY_STAGE: "production" }, { stage: "production" }],
])(
  "given the options %j and the environment %j, a command talks to %j: an empty variable is not set",
  (options, env, stage) => {
    expect(contextWith(options, env).stage).toEqual(stage);
  },
);
