/** Problems that involve more than one field of a stage's settings. */
import { parseRequest } from "@ferry/core/request/request";
import type * as v from "valibot";
import { longestGapMinutes } from "./longest-gap.ts";
import { scheduleEntries } from "./schedule-entries.ts";
import type { Access, stageSchema, Table } from "./schema.ts";

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
  readonly problems: (settings: ParsedStage, protect: boolean) => Iterable<string>;
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
  { of: ["schedules"], problems: expressionProblems },
  { of: ["schedules"], problems: samePrefix },
  { of: ["schedules", "backup"], problems: unlistedInSchedules },
  { of: ["schedules", "maximumSegments", "compression"], problems: requestProblems },
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
    .flatMap(({ problems }) => [...problems(settings, protect)]);
}

function* missingAddress({ alarmEmail }: ParsedStage, protect: boolean): Iterable<string> {
  if (protect && alarmEmail === undefined)
    yield 'alarmEmail: required, but missing, because the stage is protected. Name the address that receives its alarms, or write "none" if something else reads them.';
}

/** A stage may have only backups or only restores. An action needs both lists, because it uses a table and a bucket. */
function* unusableLists(settings: ParsedStage): Iterable<string> {
  const used = (["backup", "restore"] as const).filter((action) =>
    Object.values(settings[action]).some((list) => list.length > 0),
  );
  if (used.length === 0)
    yield "backup, restore: both are empty. Ferry may use only the tables and buckets that are listed: name them in backup, in restore, or in both.";
  for (const action of used)
    for (const list of ["tables", "buckets"] as const)
      if (settings[action][list].length === 0)
        yield `${action}.${list}: empty, but a ${action} needs a table and a bucket. Name them, or leave ${action} out: the stage then refuses every ${action}.`;
}

function* shortTimeout(action: "backup" | "restore", settings: ParsedStage): Iterable<string> {
  const { timeoutSeconds } = settings[`${action}Worker`];
  if (timeoutSeconds < settings.sliceBudgetSeconds + SLICE_MARGIN_SECONDS)
    yield `${action}Worker.timeoutSeconds: ${timeoutSeconds}, but must be at least ${SLICE_MARGIN_SECONDS} more than sliceBudgetSeconds (${settings.sliceBudgetSeconds}), so that a slice can finish.`;
}

function* littleBackupMemory({ backupWorker, maximumCompressedFileBytes }: ParsedStage): Iterable<string> {
  const mbMin = BACKUP_MB_MIN + Math.ceil((2 * maximumCompressedFileBytes) / MIB);
  if (backupWorker.memoryMb < mbMin)
    yield `backupWorker.memoryMb: ${backupWorker.memoryMb}, but maximumCompressedFileBytes (${maximumCompressedFileBytes}) needs at least ${mbMin}. Raise the memory, or lower maximumCompressedFileBytes: files whose items compress badly are then smaller.`;
}

function* littleRestoreMemory({ restoreWorker, maximumFileBytesInMemory }: ParsedStage): Iterable<string> {
  const mbMin = RESTORE_MB_MIN + Math.ceil((2 * maximumFileBytesInMemory) / MIB);
  if (restoreWorker.memoryMb < mbMin)
    yield `restoreWorker.memoryMb: ${restoreWorker.memoryMb}, but maximumFileBytesInMemory (${maximumFileBytesInMemory}) needs at least ${mbMin}. Raise the memory, or lower maximumFileBytesInMemory: larger files are then read twice.`;
}

function* lowReservation({ projector }: ParsedStage): Iterable<string> {
  const { concurrency, reservedConcurrency = concurrency } = projector;
  if (reservedConcurrency < concurrency)
    yield `projector.reservedConcurrency: ${reservedConcurrency}, but must be at least projector.concurrency (${concurrency}), or Lambda throttles the projector.`;
}

function* keyOfAnotherRegion({ ownKmsKey, region }: ParsedStage): Iterable<string> {
  if (ownKmsKey !== undefined && ownKmsKey.split(":")[3] !== region)
    yield `ownKmsKey: ${ownKmsKey} is not in ${region}, where Ferry's tables and queues are.`;
}

function* repeatedSchedules({ schedules }: ParsedStage): Iterable<string> {
  for (const name of repeated(schedules.map(({ name }) => name)))
    yield `schedules: two schedules are named ${name}.`;
}

function* unlistedInSchedules({ schedules, backup }: ParsedStage): Iterable<string> {
  const listed = new Set(backup.tables.map(displayName));
  for (const { name, tables, request } of schedules) {
    const { "bucket-name": bucket, "kms-key-id": key } = request;
    for (const table of tables.map(displayName))
      if (!listed.has(table)) yield `schedules.${name}: ${table} is not in backup.tables.`;
    if (!backup.buckets.includes(bucket)) yield `schedules.${name}: ${bucket} is not in backup.buckets.`;
    if (key !== undefined && !backup.kmsKeys.includes(key))
      yield `schedules.${name}: ${key} is not in backup.kmsKeys; name the key by its ARN there.`;
  }
}

/** Problems of lists with repeated names, and of lists that exceed a role's policy. */
function* listProblems(action: "backup" | "restore", access: Access): Iterable<string> {
  const { tables, buckets, kmsKeys } = access;
  for (const [list, names] of Object.entries({ tables: tables.map(displayName), buckets, kmsKeys }))
    for (const name of repeated(names)) yield `${action}.${list}: ${name} is listed twice.`;
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
  if (length > ARNS_LENGTH_MAX)
    yield `${action}: ${tables.length} tables, ${buckets.length} buckets and ${kmsKeys.length} keys make the role's policy larger than AWS allows; deploy another stage for some of them.`;
}

function* samePrefix({ schedules }: ParsedStage): Iterable<string> {
  for (const { name, tables } of schedules)
    for (const table of repeated(tables.map(bareName)))
      yield `schedules.${name}: two tables are named ${table}, so their archives would have the same prefix; give each its own schedule with its own bucket-prefix.`;
}

function* expressionProblems({ schedules }: ParsedStage): Iterable<string> {
  for (const { name, expression } of schedules)
    try {
      if (longestGapMinutes(expression) === undefined)
        yield `schedules.${name}.expression: ${expression} runs less than twice. Put a TaskRequested event for a single backup.`;
    } catch (error) {
      yield `schedules.${name}.expression: ${expression} cannot be used: ${(error as Error).message}`;
    }
}

/** Problems for which every run of a schedule would be rejected. */
function* requestProblems({ schedules, maximumSegments, compression }: ParsedStage): Iterable<string> {
  for (const schedule of schedules) {
    const issues = scheduleEntries(schedule).flatMap(({ detail }) => {
      const parsed = parseRequest(detail.request, { requestTimeMs: 0, maximumSegments, compression });
      return "issues" in parsed ? parsed.issues : [];
    });
    for (const message of new Set(issues.map((issue) => issue.message)))
      yield `schedules.${schedule.name}.request: ${message}`;
  }
}

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
