import { expect, test } from "vitest";
import { stages as example } from "../stages.ts";
import { isProtected, parseStage } from "./parse.ts";
import type { StageSettingsInput } from "./schema.ts";

const lists = {
  tables: [{ region: "us-east-1", name: "orders" }],
  buckets: ["archive-one"],
};
const stage: StageSettingsInput = { backup: lists, restore: lists };

const messageOf = (settings: unknown, name = "beta"): string => {
  try {
    parseStage({ beta: settings as StageSettingsInput }, name);
    return "accepted";
  } catch (error) {
    return (error as Error).message;
  }
};

test("given only the lists, when parsed, then everything else has a default", () => {
  const settings = parseStage({ beta: stage }, "beta");
  expect(settings).toMatchObject({
    maximumSegments: 1000,
    attempts: 5,
    sliceBudgetSeconds: 240,
    taskTimeoutHours: 168,
    compressionLevel: 6,
    backupWorker: { memoryMb: 1769, timeoutSeconds: 360, concurrency: 50 },
    projector: { memoryMb: 512, timeoutSeconds: 60, concurrency: 2 },
    schedules: [],
    protect: false,
  });
});

test("given the example, when parsed, then it can be synthesized as it is", () => {
  expect(parseStage(example, "production").protect).toBe(true);
});

test("given no lists, when parsed, then one message names them all", () => {
  expect(messageOf({})).toBe(
    [
      'The settings of stage "beta" in stacks/stages.ts cannot be used:',
      "  - backup.tables, backup.buckets, restore.tables, restore.buckets: empty. Ferry reaches nothing that is not listed; name the tables and buckets it may use.",
    ].join("\n"),
  );
});

test("given an unknown stage, when parsed, then the message says where to add it", () => {
  expect(messageOf(stage, "gamma")).toBe(
    'Stage "gamma" has no settings: add it to stacks/stages.ts (there are: beta).',
  );
});

test("given several wrong fields, when parsed, then all are told at once, each by its path", () => {
  const message = messageOf({
    ...stage,
    compressionLevel: 12,
    memory: 512,
    backup: { ...lists, buckets: ["Not_A_Bucket"] },
    alarmEmail: "nobody",
  });
  for (const field of ["compressionLevel:", "memory: no such setting", "backup.buckets.0:", "alarmEmail:"])
    expect(message).toContain(`  - ${field}`);
});

test("given a timeout that leaves a slice no room, when parsed, then the message tells both numbers", () => {
  expect(messageOf({ ...stage, backupWorker: { timeoutSeconds: 200 } })).toContain(
    "backupWorker.timeoutSeconds: 200, but sliceBudgetSeconds (240) needs 60 s more",
  );
});

test("given schedules of what is not listed, or two of one name, when parsed, then they are refused", () => {
  const schedule = {
    name: "nightly",
    expression: "rate(1 day)",
    tables: [{ region: "us-east-1", name: "others" }],
    request: { "bucket-region": "us-east-1", "bucket-name": "elsewhere" },
  };
  const message = messageOf({ ...stage, schedules: [schedule, schedule] });
  expect(message).toContain("schedules.nightly: us-east-1/others is not in backup.tables.");
  expect(message).toContain("schedules.nightly: elsewhere is not in backup.buckets.");
  expect(message).toContain("schedules: two are named nightly.");
});

test("given a schedule without {date} and {time}, when parsed, then it is refused: each night would meet the last", () => {
  const schedule = {
    name: "nightly",
    expression: "rate(1 day)",
    tables: lists.tables,
    request: { "bucket-region": "us-east-1", "bucket-name": "archive-one", "bucket-prefix": "nightly" },
  };
  expect(messageOf({ ...stage, schedules: [schedule] })).toContain("must hold {date} and {time}");
});

test("given two tables of one name in a schedule, when parsed, then they are refused: their archives would meet", () => {
  const tables = [
    { region: "us-east-1", name: "orders" },
    { region: "eu-west-1", name: "orders" },
  ];
  const schedule = {
    name: "nightly",
    expression: "rate(1 day)",
    tables,
    request: { "bucket-region": "us-east-1", "bucket-name": "archive-one" },
  };
  expect(messageOf({ ...stage, backup: { ...lists, tables }, schedules: [schedule] })).toContain(
    "schedules.nightly: two tables are named orders and would meet in one prefix",
  );
});

test("given more tables than a policy holds, when parsed, then the message says what to do", () => {
  const tables = Array.from({ length: 200 }, (_, i) => ({ region: "us-east-1", name: `orders-${i}` }));
  expect(messageOf({ ...stage, backup: { ...lists, tables } })).toContain(
    "deploy another stage for some of them",
  );
});

test("given stages, when asked which are protected, then production is, unless it says otherwise", () => {
  expect(isProtected({ production: stage }, "production")).toBe(true);
  expect(isProtected({ production: { ...stage, protect: false } }, "production")).toBe(false);
  expect(isProtected({ beta: { ...stage, protect: true } }, "beta")).toBe(true);
  expect(isProtected({}, "beta")).toBe(false);
});
