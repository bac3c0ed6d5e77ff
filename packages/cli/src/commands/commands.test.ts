import { eventTypes } from "@ferry/client/events/event-summary";
import { taskStates } from "@ferry/core/projection/status";
import { backupRequestSchema, restoreRequestSchema } from "@ferry/core/request/request";
import { expect, test } from "vitest";
import { optionsOf, sharedOptions } from "../command.ts";
import { commands } from "./all.ts";
import { backupFields, requestFields, restoreFields } from "./request-options.ts";

/** The fields that are arguments of the commands. */
const ARGUMENTS = ["action", "table-name", "bucket-name", "bucket-prefix"];

test.each([
  ["backup", backupRequestSchema(1), backupFields],
  ["restore", restoreRequestSchema(1), restoreFields],
])("%s has an option for each field of its request", (_, schema, options) => {
  const named = Object.keys(options).map((flags) => /^--([a-z-]+)/.exec(flags)?.[1]);
  const fields = Object.keys(schema.entries).filter((field) => !ARGUMENTS.includes(field));
  expect(named.toSorted()).toEqual(fields.toSorted());
});

test("numbers are sent as numbers, flags as true, and anything else as it was given", () => {
  const given = {
    totalSegments: "4",
    readUnits: "many",
    consistentRead: true,
    kmsKeyId: "1234",
    unknown: "x",
  };
  expect(requestFields(given, backupFields)).toEqual({
    "total-segments": 4,
    "read-units": "many",
    "consistent-read": true,
    "kms-key-id": "1234",
  });
});

test("a list is sent as a list", () => {
  const given = { increments: ["AWSDynamoDB/01", "AWSDynamoDB/02"], until: "2026-11-01T02:00Z" };
  expect(requestFields(given, restoreFields)).toEqual(given);
});

test.each(commands.map((command) => [command.name, command] as const))(
  "%s: its examples use its own options, and it can be loaded",
  async (name, command) => {
    expect(Object.keys(command.examples)).not.toEqual([]);
    const options = [command.options, sharedOptions(command)]
      .flatMap(Object.keys)
      .map((flags) => /^--[a-z-]+/.exec(flags)?.[0]);
    expect(new Set(options).size).toBe(options.length);
    for (const example of Object.keys(command.examples)) {
      expect(example).toMatch(new RegExp(`^ferry ${name}( |$)`));
      for (const [option] of example.matchAll(/(?<= )--[a-z-]+/g)) expect(options).toContain(option);
    }
    expect(await command.load()).toHaveProperty("run");
  },
);

test("tasks can be filtered by every state", () => {
  const tasks = commands.find(({ name }) => name === "tasks")!;
  const { choices } = new Map(optionsOf(tasks.options)).get("--state <STATE>")!;
  expect(choices?.toSorted()).toEqual([...taskStates].sort());
});

test("events can be filtered by every type", () => {
  const events = commands.find(({ name }) => name === "events")!;
  const { choices } = new Map(optionsOf(events.options)).get("--type <TYPE>")!;
  expect(choices?.toSorted()).toEqual(eventTypes.toSorted());
});
