import { expect, test } from "vitest";
import { stages } from "../stages.ts";
import { isProtected, parseStage } from "./parse.ts";
import type { StageSettingsInput } from "./schema.ts";

const lists = {
  tables: [{ region: "us-east-1", name: "orders" }],
  buckets: ["archive-one"],
};
const target = { account: "111111111111", region: "us-east-1" };
const stage: StageSettingsInput = { ...target, backup: lists, restore: lists };

const nightly = {
  name: "nightly",
  expression: "cron(0 2 * * ? *)",
  tables: lists.tables,
  request: { "bucket-region": "us-east-1", "bucket-name": "archive-one" },
};

/** The error message for these settings. */
const messageOf = (settings: unknown, name = "beta"): string => {
  try {
    parseStage({ beta: settings as StageSettingsInput }, name, false);
    return "accepted";
  } catch (error) {
    return (error as Error).message;
  }
};

test("given only the lists, all other settings have defaults", () => {
  const settings = parseStage({ beta: stage }, "beta", false);
  expect(settings).toMatchObject({
    maximumSegments: 1000,
    attempts: 5,
    sliceBudgetSeconds: 240,
    taskTimeoutHours: 168,
    compression: "gzip",
    compressionLevel: 6,
    zstdLevel: 3,
    maximumCompressedFileBytes: 64 * 1024 ** 2,
    maximumFileBytesInMemory: 64 * 1024 ** 2,
    maximumFileBytes: 32 * 1024 ** 3,
    backupWorker: { memoryMb: 1769, timeoutSeconds: 360, concurrency: 50 },
    projector: { memoryMb: 512, timeoutSeconds: 60, concurrency: 2 },
    schedules: [],
    protect: false,
  });
});

test.each(Object.keys(stages))("the stage %s of stacks/stages.ts is valid", (name) => {
  expect(() => parseStage(stages, name, false)).not.toThrow();
});

test("given neither backup nor restore, the message says that both are empty", () => {
  expect(messageOf(target)).toBe(
    [
      'The settings of stage "beta" in stacks/stages.ts cannot be used:',
      "  - backup, restore: both are empty. Ferry may use only the tables and buckets that are listed: name them in backup, in restore, or in both.",
    ].join("\n"),
  );
});

test.each([
  { ...target, backup: lists },
  { ...target, restore: lists },
])("a stage with only backups or only restores is accepted", (settings) => {
  expect(messageOf(settings)).toBe("accepted");
});

test.each([
  ["backup", { tables: lists.tables }, "backup.buckets"],
  ["backup", { buckets: lists.buckets }, "backup.tables"],
  ["restore", { tables: lists.tables }, "restore.buckets"],
  ["restore", { buckets: lists.buckets }, "restore.tables"],
])("given a %s with %j, the message names the list that is empty", (action, half, field) => {
  expect(messageOf({ ...stage, [action]: half })).toContain(
    `  - ${field}: empty, but a ${action} needs a table and a bucket. Name them, or leave ${action} out`,
  );
});

test("given only keys for an action, the message names both empty lists", () => {
  const kmsKeys = ["arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000"];
  const message = messageOf({ ...stage, restore: { kmsKeys } });
  expect(message).toContain("restore.tables: empty");
  expect(message).toContain("restore.buckets: empty");
});

test("a schedule needs a backup", () => {
  expect(messageOf({ ...target, restore: lists, schedules: [nightly] })).toContain(
    "schedules.nightly: us-east-1/orders is not in backup.tables.",
  );
});

test("given malformed fields and contradictions, one message has all of them", () => {
  const message = messageOf({
    ...stage,
    account: "one",
    memory: 512,
    cpus: 2,
    backupWorker: { timeoutSeconds: 200, cores: 1, threads: 2 },
    restore: { tables: lists.tables },
    projector: { concurrency: 4, reservedConcurrency: 3 },
  });
  for (const problem of [
    "account: must be an account id",
    "memory: no such setting",
    "cpus: no such setting",
    "backupWorker.cores: no such setting",
    "backupWorker.threads: no such setting",
    "backupWorker.timeoutSeconds: 200",
    "restore.buckets: empty",
    "projector.reservedConcurrency: 3",
  ])
    expect(message).toContain(`  - ${problem}`);
});

test("a malformed setting causes no second problem", () => {
  const message = messageOf({
    ...stage,
    backup: { ...lists, buckets: ["Not_A_Bucket"] },
    schedules: [nightly],
  });
  expect(message.split("\n")).toHaveLength(2);
  expect(message).toContain("  - backup.buckets.0:");
});

test.each([null, "orders", 7])("given %j instead of settings, the message says so", (settings) => {
  expect(messageOf(settings)).toContain("  - the stage: ");
});

test("given the file of the settings, messages name it", () => {
  const parse = (name: string) => () => parseStage({ beta: target }, name, false, "experiments/stages.ts");
  expect(parse("beta")).toThrow('The settings of stage "beta" in experiments/stages.ts cannot be used:');
  expect(parse("gamma")).toThrow("add it to experiments/stages.ts");
});

test("given an unknown stage, the message names the file to add it to", () => {
  expect(messageOf(stage, "gamma")).toBe(
    'Stage "gamma" has no settings: add it to stacks/stages.ts (there are: beta).',
  );
});

test("given several wrong fields, one message names their paths", () => {
  const message = messageOf({
    ...stage,
    compressionLevel: 12,
    memory: 512,
    backup: { ...lists, buckets: ["Not_A_Bucket"] },
    alarmEmail: "not-an-address",
  });
  for (const field of ["compressionLevel:", "memory: no such setting", "backup.buckets.0:", "alarmEmail:"])
    expect(message).toContain(`  - ${field}`);
});

test("given a timeout too short for a slice, the message has both numbers", () => {
  expect(messageOf({ ...stage, backupWorker: { timeoutSeconds: 200 } })).toContain(
    "backupWorker.timeoutSeconds: 200, but must be at least 60 more than sliceBudgetSeconds (240)",
  );
});

test("given a backup worker with less memory than its files need, the message has both numbers", () => {
  expect(messageOf({ ...stage, backupWorker: { memoryMb: 255 } })).toContain(
    "backupWorker.memoryMb: 255, but maximumCompressedFileBytes (67108864) needs at least 256",
  );
  const backupWorker = { memoryMb: 256 };
  expect(messageOf({ ...stage, backupWorker })).toBe("accepted");
  const maximumCompressedFileBytes = 64 * 1024 ** 2 + 1;
  expect(messageOf({ ...stage, backupWorker, maximumCompressedFileBytes })).toContain("needs at least 257");
});

test("given a restore worker with less memory than its files need, the message has both numbers", () => {
  const restoreWorker = { memoryMb: 512 };
  expect(messageOf({ ...stage, restoreWorker: { memoryMb: 383 } })).toContain(
    "restoreWorker.memoryMb: 383, but maximumFileBytesInMemory (67108864) needs at least 384",
  );
  const maximumFileBytesInMemory = 128 * 1024 ** 2;
  expect(messageOf({ ...stage, restoreWorker, maximumFileBytesInMemory })).toBe("accepted");
  expect(
    messageOf({ ...stage, restoreWorker, maximumFileBytesInMemory: maximumFileBytesInMemory + 1 }),
  ).toContain("needs at least 513");
});

test("more segments than a row can hold are rejected", () => {
  expect(messageOf({ ...stage, maximumSegments: 4000 })).toBe("accepted");
  expect(messageOf({ ...stage, maximumSegments: 4001 })).toContain("maximumSegments: ");
});

test("given schedules with unlisted tables and buckets and the same name, the message names each problem", () => {
  const schedule = {
    name: "nightly",
    expression: "rate(1 day)",
    tables: [{ region: "us-east-1", name: "others" }],
    request: { "bucket-region": "us-east-1", "bucket-name": "elsewhere" },
  };
  const message = messageOf({ ...stage, schedules: [schedule, schedule] });
  expect(message).toContain("schedules.nightly: us-east-1/others is not in backup.tables.");
  expect(message).toContain("schedules.nightly: elsewhere is not in backup.buckets.");
  expect(message).toContain("schedules: two schedules are named nightly.");
});

test("a schedule whose prefix has no {date} and {time} is rejected", () => {
  const schedule = {
    name: "nightly",
    expression: "rate(1 day)",
    tables: lists.tables,
    request: { "bucket-region": "us-east-1", "bucket-name": "archive-one", "bucket-prefix": "nightly" },
  };
  expect(messageOf({ ...stage, schedules: [schedule] })).toContain("must contain {date} and {time}");
});

test("a schedule with two tables of the same name is rejected", () => {
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
    "schedules.nightly: two tables are named orders, so their archives would have the same prefix",
  );
});

test.each([
  { tables: Array.from({ length: 200 }, (_, i) => ({ region: "us-east-1", name: `orders-${i}` })) },
  { buckets: Array.from({ length: 90 }, (_, i) => `archive-with-quite-a-long-name-${i}`) },
])("given more tables or buckets than fit into a policy, the message advises another stage", (more) => {
  expect(messageOf({ ...stage, backup: { ...lists, ...more } })).toContain(
    "deploy another stage for some of them",
  );
});

test.each(["Beta", "x_y", "9lives", "a".repeat(31), ""])(
  "given the invalid stage name %j, the message describes a valid one",
  (name) => {
    expect(() => parseStage({ [name]: stage }, name, false)).toThrow(
      "must be 1 to 30 characters of a-z 0-9 - and begin with a letter",
    );
  },
);

test("a stage named like a property of Object is unknown", () => {
  expect(messageOf(stage, "constructor")).toContain("has no settings");
});

const withSchedule = (more: object) => ({ ...stage, schedules: [{ ...nightly, ...more }] });

test.each(["cron(0 2 ? * MON-FRI *)", "cron(0/30 1,2 L * ? 2026-2030)", "rate(1 hour)", "rate(12 hours)"])(
  "the expression %s is accepted",
  (expression) => {
    expect(messageOf(withSchedule({ expression }))).toBe("accepted");
  },
);

test.each([
  "cron(0 2 * * *)",
  "cron(0 2 * * * *)",
  "cron(0 2 ? * ? *)",
  "rate(often)",
  "rate(0 days)",
  "rate(12 hour)",
])("given the invalid expression %s, the message describes a valid one", (expression) => {
  expect(messageOf(withSchedule({ expression }))).toContain(
    `schedules.0.expression: must be cron(minutes hours day-of-month month day-of-week year) with ? for one of the two days, or rate(12 hours), not "${expression}"`,
  );
});

test.each([
  ["cron(70 2 * * ? *)", "cannot be used: CronPattern: Invalid value for minute: 70"],
  ["cron(0 2 1 1 ? 2026)", "runs less than twice"],
])("given the expression %s, the message has the reason", (expression, reason) => {
  expect(messageOf(withSchedule({ expression }))).toContain(
    `schedules.nightly.expression: ${expression} ${reason}`,
  );
});

test.each(["Europe/Londn", "+01:00", ""])("the time zone %j is rejected", (timezone) => {
  expect(messageOf(withSchedule({ timezone }))).toContain(
    `schedules.0.timezone: must be an IANA time zone such as Europe/London, not ${JSON.stringify(timezone)}`,
  );
});

test("a schedule's compression level must be one of its compression, or of the stage's", () => {
  const of = (request: object, compression: "gzip" | "zstd") => ({
    ...withSchedule({ request: { ...nightly.request, ...request } }),
    compression,
  });
  const level = { "compression-level": 12 };
  expect(messageOf(of(level, "gzip"))).toContain(
    "schedules.nightly.request: compression-level must be at most 9 for gzip: got 12",
  );
  expect(() =>
    parseStage({ beta: of({ ...level, compression: "zstd" }, "gzip") }, "beta", false),
  ).not.toThrow();
  expect(() => parseStage({ beta: of(level, "zstd") }, "beta", false)).not.toThrow();
});

test("given a schedule with an unlisted key and an invalid request, the message names both problems", () => {
  const request = { ...nightly.request, "kms-key-id": "alias/archive", "total-segments": 20 };
  const message = messageOf({ ...withSchedule({ request }), maximumSegments: 10 });
  expect(message).toContain("schedules.nightly: alias/archive is not in backup.kmsKeys");
  expect(message).toContain("schedules.nightly.request: total-segments must be at most 10");
});

test("given tags that AWS would reject, the message names each", () => {
  const many = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`tag-${i}`, "x"]));
  expect(messageOf({ ...stage, tags: many })).toContain("tags: must be at most 7");
  expect(messageOf({ ...stage, tags: { "aws:team": "data" } })).toContain(
    "tags.aws:team: must be a tag's name",
  );
  expect(messageOf({ ...stage, tags: { team: "a&b" } })).toContain("tags.team: must be up to 256");
});

test("given a repeated name in a list, the message names it", () => {
  const twice = { tables: [...lists.tables, ...lists.tables], buckets: ["archive-one", "archive-one"] };
  const message = messageOf({ ...stage, restore: twice });
  expect(message).toContain("restore.tables: us-east-1/orders is listed twice.");
  expect(message).toContain("restore.buckets: archive-one is listed twice.");
});

test("more caller accounts than fit into a queue's policy are rejected", () => {
  const callerAccounts = Array.from({ length: 51 }, (_, i) => String(100_000_000_000 + i));
  expect(messageOf({ ...stage, callerAccounts })).toContain("callerAccounts: must be at most 50");
});

test("the setting protect decides; without it, production stages are protected", () => {
  expect(isProtected({ production: stage }, "production")).toBe(true);
  expect(isProtected({ "production-eu": stage }, "production-eu")).toBe(true);
  expect(isProtected({ productions: stage }, "productions")).toBe(false);
  expect(isProtected({ production: { ...stage, protect: false } }, "production")).toBe(false);
  expect(isProtected({ beta: { ...stage, protect: true } }, "beta")).toBe(true);
  expect(isProtected({}, "beta")).toBe(false);
});

test("given a stage without account and region, one message names both", () => {
  expect(messageOf({ backup: lists, restore: lists })).toBe(
    [
      'The settings of stage "beta" in stacks/stages.ts cannot be used:',
      "  - account: required, but missing",
      "  - region: required, but missing",
    ].join("\n"),
  );
});

test("given sst dev on a protected stage, the message has the reason", () => {
  const settings = { ...stage, alarmEmail: "none" };
  expect(() => parseStage({ production: settings }, "production", true)).toThrow(
    'Stage "production" is protected, so "sst dev" is refused',
  );
  expect(() => parseStage({ production: settings }, "production", false)).not.toThrow();
  expect(() => parseStage({ beta: settings }, "beta", true)).not.toThrow();
});

test("a protected stage needs an address for alarms, or none on purpose", () => {
  const parse = (more: object) => () =>
    parseStage({ production: { ...stage, ...more } }, "production", false);
  expect(parse({})).toThrow("alarmEmail: required, but missing, because the stage is protected");
  expect(parse({ alarmEmail: "none" })).not.toThrow();
  expect(parse({ alarmEmail: "oncall@example.com" })).not.toThrow();
  expect(parse({ alarmEmail: "nobody" })).toThrow(
    'alarmEmail: must be an e-mail address, or "none", not "nobody"',
  );
});

test("a reserved concurrency below the projector's concurrency is refused", () => {
  const projector = { concurrency: 4, reservedConcurrency: 3 };
  expect(messageOf({ ...stage, projector })).toContain(
    "projector.reservedConcurrency: 3, but must be at least projector.concurrency (4)",
  );
  expect(messageOf({ ...stage, projector: { ...projector, reservedConcurrency: 4 } })).toBe("accepted");
});

test("a key of another region for Ferry's own tables is refused", () => {
  const keyOf = (region: string) =>
    `arn:aws:kms:${region}:111111111111:key/00000000-0000-0000-0000-000000000000`;
  expect(messageOf({ ...stage, ownKmsKey: keyOf("eu-west-1") })).toContain("is not in us-east-1");
  expect(messageOf({ ...stage, ownKmsKey: keyOf("us-east-1") })).toBe("accepted");
});
