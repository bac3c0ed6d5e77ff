import { expect, test } from "vitest";
import { failedMessages } from "./partial-batch.ts";

const batch = ["a", "b", "c"];

test.each<[string, unknown, readonly string[]]>([
  ["undefined is success", undefined, []],
  ["null is success", null, []],
  ["an empty object is success", {}, []],
  ["an empty list is success", { batchItemFailures: [] }, []],
  ["null failures are success", { batchItemFailures: null }, []],
  ["one failure fails its message only", { batchItemFailures: [{ itemIdentifier: "b" }] }, ["b"]],
  [
    "a repeated failure counts once",
    { batchItemFailures: [{ itemIdentifier: "b" }, { itemIdentifier: "b" }] },
    ["b"],
  ],
  ["an unknown id fails all", { batchItemFailures: [{ itemIdentifier: "x" }] }, batch],
  ["an empty id fails all", { batchItemFailures: [{ itemIdentifier: "" }] }, batch],
  ["a misspelt key fails all", { batchItemFailures: [{ id: "b" }] }, batch],
  ["a null entry fails all", { batchItemFailures: [null] }, batch],
  ["no list fails all", { batchItemFailures: "b" }, batch],
  ["a string fails all", "ok", batch],
])("%s", (_, response, failed) => {
  expect(failedMessages(response, batch)).toEqual(failed);
});
