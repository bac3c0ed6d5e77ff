/** Problems that involve more than one field of a stage's settings. */
import { parseRequest } from "@ferry/core/request/request";
import type * as v from "valibot";
import { longestGapMinutes } from "./longest-gap.ts";
import { scheduleEntries } from "./schedule-entries.ts";
import type { Access, Schedule, stageSchema, Table } from "./schema.ts";

/** The settings as the schema returns them. */
export type ParsedStage = v.InferOutput<typeof stageSchema>;

/** A role's inline policies may have 10,240 characters. This leaves room for everything besides the lists' ARNs. */
const ARNS_LENGTH_MAX = 7_500;

/** The time that a slice needs after its budget to put its last batch and report, before Lambda ends the invocation. */
const SLICE_MARGIN_SECONDS = 60;

/**
 * The memory that a restore worker needs besides two files, one of them not yet garbage-collected: Node, the SDK, open
 * calls.
 */
const RESTORE_MB_MIN = 256;
/** The memory that a backup worker needs besides two compressed files: one is put while the next one fills. */
const BACKUP_MB_MIN = 128;
const MIB = 1024 ** 2;

interface Check {
  /** The settings that the check reads. It is not done if one of them is malformed. */
  readonly of: readonly (keyof ParsedStage)[];
  readonly problems: (settings: ParsedStage, protect: boolean) => string[];
}

const checks: readonly Check[] = [
  { of: ["alarmEmail", "protect"], problems: missingAddress },
  { of: ["backup", "restore"], problems: unusableLists },
  { of: ["sliceBudgetSeconds", "backupWorker"], problems: (settings) => shortTimeout("backup", settings) },
  { of: ["sliceBudgetSeconds", "restoreWorker"], problems: (settings) => shortTimeout("restore", settings) },
  { of: ["backupWorker", "maximumCompressedFileBytes"], problems: littleBackupMemory },
  { of: ["restoreWorker", "maximumFileBytesInMemory"], problems: littleRestoreMemory },
  { of: ["projector"], problems: lowReservation },
  { of: ["ownKmsKey", "region"], problems: keyOfAnotherRegion },
  { of: ["backup"], problems: ({ backup }) => listProblems("backup", backup) },
  { of: ["restore"], problems: ({ restore }) => listProblems("restore", restore) },
  { of: ["schedules"], problems: repeatedSchedules },
  { of: ["schedules"], problems: ({ schedules }) => schedules.flatMap(expressionProblems) },
  { of: ["schedules"], problems: ({ schedules }) => schedules.flatMap(samePrefix) },
  { of: ["schedules", "backup"], problems: unlistedInSchedules },
  {
    of: ["schedules", "maximumSegments", "compression"],
    problems: (settings) => settings.schedules.flatMap((schedule) => requestProblems(schedule, settings)),
  },
];

/**
 * The problems of settings that involve more than one field. `malformed`: the settings that the schema refused; checks that
 * read one of them are left out.
 */
export function contradictions(
  settings: ParsedStage,
  protect: boolean,
  malformed: ReadonlySet<string>,
): string[] {
  return checks
    .filter(({ of }) => !of.some((name) => malformed.has(name)))
    .flatMap(({ problems }) => problems(settings, protect));
}

function missingAddress({ alarmEmail }: ParsedStage, protect: boolean): string[] {
  return problemIf(
    protect && alarmEmail === undefined,
    'alarmEmail: required, but missing, because the stage is protected. Name the address that receives its alarms, or write "none" if something else reads them.',
  );
}

/** A stage may have only backups or only restores. An action needs both lists, because it uses a table and a bucket. */
function unusableLists(settings: ParsedStage): string[] {
  const used = (["backup", "restore"] as const).filter((action) =>
    Object.values(settings[action]).some((list) => list.length > 0),
  );
  if (used.length === 0)
    return [
      "backup, restore: both are empty. Ferry may use only the tables and buckets that are listed: name them in backup, in restore, or in both.",
    ];
  return used.flatMap((action) =>
    (["tables", "buckets"] as const)
      .filter((list) => settings[action][list].length === 0)
      .map(
        (list) =>
          `${action}.${list}: empty, but a ${action} needs a table and a bucket. Name them, or leave ${action} out: the stage then refuses every ${action}.`,
      ),
  );
}

function shortTimeout(action: "backup" | "restore", settings: ParsedStage): string[] {
  const { timeoutSeconds } = settings[`${action}Worker`];
  return problemIf(
    timeoutSeconds < settings.sliceBudgetSeconds + SLICE_MARGIN_SECONDS,
    `${action}Worker.timeoutSeconds: ${timeoutSeconds}, but must be at least ${SLICE_MARGIN_SECONDS} more than sliceBudgetSeconds (${settings.sliceBudgetSeconds}), so that a slice can finish.`,
  );
}

function littleBackupMemory({ backupWorker, maximumCompressedFileBytes }: ParsedStage): string[] {
  const mbMin = BACKUP_MB_MIN + Math.ceil((2 * maximumCompressedFileBytes) / MIB);
  return problemIf(
    backupWorker.memoryMb < mbMin,
    `backupWorker.memoryMb: ${backupWorker.memoryMb}, but maximumCompressedFileBytes (${maximumCompressedFileBytes}) needs at least ${mbMin}. Raise the memory, or lower maximumCompressedFileBytes: files whose items compress badly are then smaller.`,
  );
}

function littleRestoreMemory({ restoreWorker, maximumFileBytesInMemory }: ParsedStage): string[] {
  const mbMin = RESTORE_MB_MIN + Math.ceil((2 * maximumFileBytesInMemory) / MIB);
  return problemIf(
    restoreWorker.memoryMb < mbMin,
    `restoreWorker.memoryMb: ${restoreWorker.memoryMb}, but maximumFileBytesInMemory (${maximumFileBytesInMemory}) needs at least ${mbMin}. Raise the memory, or lower maximumFileBytesInMemory: larger files are then read twice.`,
  );
}

function lowReservation({ projector }: ParsedStage): string[] {
  const { concurrency, reservedConcurrency = concurrency } = projector;
  return problemIf(
    reservedConcurrency < concurrency,
    `projector.reservedConcurrency: ${reservedConcurrency}, but must be at least projector.concurrency (${concurrency}), or Lambda throttles the projector.`,
  );
}

function keyOfAnotherRegion({ ownKmsKey, region }: ParsedStage): string[] {
  return problemIf(
    ownKmsKey !== undefined && ownKmsKey.split(":")[3] !== region,
    `ownKmsKey: ${ownKmsKey} is not in ${region}, where Ferry's tables and queues are.`,
  );
}

function repeatedSchedules({ schedules }: ParsedStage): string[] {
  return repeated(schedules.map(({ name }) => name)).map(
    (name) => `schedules: two schedules are named ${name}.`,
  );
}

function unlistedInSchedules({ schedules, backup }: ParsedStage): string[] {
  const listed = new Set(backup.tables.map(displayName));
  return schedules.flatMap(({ name, tables, request: { "bucket-name": bucket, "kms-key-id": key } }) => [
    ...tables
      .map(displayName)
      .filter((table) => !listed.has(table))
      .map((table) => `schedules.${name}: ${table} is not in backup.tables.`),
    ...problemIf(!backup.buckets.includes(bucket), `schedules.${name}: ${bucket} is not in backup.buckets.`),
    ...problemIf(
      key !== undefined && !backup.kmsKeys.includes(key),
      `schedules.${name}: ${key} is not in backup.kmsKeys; name the key by its ARN there.`,
    ),
  ]);
}

/** Problems of lists with repeated names, and of lists that exceed a role's policy. */
function listProblems(action: "backup" | "restore", access: Access): string[] {
  const { tables, buckets, kmsKeys } = access;
  const repeatedNames = Object.entries({ tables: tables.map(displayName), buckets, kmsKeys }).flatMap(
    ([list, names]) => repeated(names).map((name) => `${action}.${list}: ${name} is listed twice.`),
  );
  // The policy names a bucket three times: once by its own ARN, twice by its objects'. It names a table that a restore may
  // create a second time.
  const length = [
    ...tables.map(arnOf),
    ...tables.filter(mayBeCreated).map(arnOf),
    ...buckets.flatMap((name) => Array(3).fill(`arn:aws:s3:::${name}/*`)),
    ...kmsKeys,
  ]
    .map((arn: string) => arn.length + 3)
    .reduce((sum, one) => sum + one, 0);
  return [
    ...repeatedNames,
    ...problemIf(
      length > ARNS_LENGTH_MAX,
      `${action}: ${tables.length} tables, ${buckets.length} buckets and ${kmsKeys.length} keys make the role's policy larger than AWS allows; deploy another stage for some of them.`,
    ),
  ];
}

function samePrefix({ name, tables }: Schedule): string[] {
  return repeated(tables.map(bareName)).map(
    (table) =>
      `schedules.${name}: two tables are named ${table}, so their archives would have the same prefix; give each its own schedule with its own bucket-prefix.`,
  );
}

function expressionProblems({ name, expression }: Schedule): string[] {
  try {
    return problemIf(
      longestGapMinutes(expression) === undefined,
      `schedules.${name}.expression: ${expression} runs less than twice. Put a TaskRequested event for a single backup.`,
    );
  } catch (error) {
    return [`schedules.${name}.expression: ${expression} cannot be used: ${(error as Error).message}`];
  }
}

/** Problems for which every run of a schedule would be rejected. */
function requestProblems(schedule: Schedule, { maximumSegments, compression }: ParsedStage): string[] {
  const issues = scheduleEntries(schedule).flatMap(({ detail }) => {
    const parsed = parseRequest(detail.request, { requestTimeMs: 0, maximumSegments, compression });
    return "issues" in parsed ? parsed.issues : [];
  });
  return [...new Set(issues.map((issue) => `schedules.${schedule.name}.request: ${issue.message}`))];
}

const problemIf = (isWrong: boolean, problem: string): string[] => (isWrong ? [problem] : []);
const repeated = (names: readonly string[]): string[] => [
  ...new Set(names.filter((name, at) => names.indexOf(name) !== at)),
];
const bareName = (table: Table) =>
  typeof table === "string" ? table.slice(table.lastIndexOf("/") + 1) : table.name;
const mayBeCreated = (table: Access["tables"][number]) =>
  typeof table !== "string" && "create" in table && table.create;
const arnOf = (table: Table) =>
  typeof table === "string" ? table : `arn:aws:dynamodb:${table.region}:111111111111:table/${table.name}`;

/** A table's name in messages. */
const displayName = (table: Table): string =>
  typeof table === "string" ? table : `${table.region}/${table.name}`;
