/**
 * The schema of requests. The types, the messages that callers receive, and the JSON Schema in docs/ derive from it.
 */
import * as v from "valibot";
import { type Compression, compressionNames, compressions } from "../archive/compression.ts";
import { quoted } from "../errors/quote.ts";
import { truncate } from "../errors/truncate.ts";
import { SEGMENTS_MAX, type Settings } from "../settings/settings.ts";
import { isoOf, msOf } from "../time.ts";
import { ONLY_SEGMENTS_MAX, onlySchema } from "./only.ts";

const MIB = 1024 * 1024;
/** S3's keys have at most 1,024 bytes, for the expanded prefix and a data file's name. */
const PREFIX_LENGTH_MAX = 700;
/** A series of exports is part of the plan, and thus of every event and of the row. */
export const INCREMENTS_MAX = 100;

/** The fields of both actions. The first seven fields of a request are those of the earlier tool, unchanged. */
function commonFields(maximumSegments: number) {
  const count = (name: string, max: number, explanation: string) =>
    v.pipe(
      v.number(`${name} must be a whole number`),
      v.integer(`${name} must be a whole number`),
      v.minValue(1, `${name} must be at least 1`),
      v.maxValue(max, `${name} must be at most ${max}${explanation}`),
    );
  const text = (name: string, pattern: RegExp, expected: string) =>
    v.pipe(v.string(`${name} must be a string`), v.regex(pattern, `${name} must be ${expected}`));
  const prefix = (name: string) =>
    text(
      name,
      /^[A-Za-z0-9!_.*'()&$@=;:+,~{}-][A-Za-z0-9!_.*'()&$@=;:+,~{} /-]{0,699}$/,
      "a key prefix of 1 to 700 of A-Z a-z 0-9 ! - _ . * ' ( ) & $ @ = ; : + , ~ { } space and /, not starting with /",
    );
  return {
    count,
    text,
    prefix,
    fields: {
      "total-segments": v.optional(
        count("total-segments", maximumSegments, `, the setting maximumSegments (at most ${SEGMENTS_MAX})`),
      ),
      "table-region": text("table-region", /^[a-z]{2}(-[a-z]+)+-\d$/, "an AWS region such as us-east-1"),
      "table-name": text(
        "table-name",
        /^(arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table\/)?[A-Za-z0-9_.-]{3,255}$/,
        "a table name (3 to 255 of A-Z a-z 0-9 _ . -) or a table's ARN",
      ),
      "bucket-region": text("bucket-region", /^[a-z]{2}(-[a-z]+)+-\d$/, "an AWS region such as us-east-1"),
      "bucket-name": text(
        "bucket-name",
        /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
        "a bucket name (3 to 63 of a-z 0-9 . -)",
      ),
      "bucket-prefix": prefix("bucket-prefix"),
      "bucket-owner": v.optional(text("bucket-owner", /^\d{12}$/, "an account id of 12 digits")),
    },
  };
}

/** An object without unknown fields. Unlike `strictObject` it reports every unknown field, not only the first. */
function closed<E extends v.ObjectEntries>(entries: E) {
  return v.objectWithRest(entries, v.never());
}

/** The schema of a backup request. `maximumSegments` is the stage's setting, at most SEGMENTS_MAX. */
export function backupRequestSchema(maximumSegments: number) {
  const { count, text, fields } = commonFields(maximumSegments);
  return closed({
    action: v.literal("backup", "action must be backup or restore"),
    ...fields,
    "batch-bytes": v.optional(count("batch-bytes", 256 * MIB, " (256 MiB)")),
    compression: v.optional(v.picklist(compressionNames, "compression must be gzip or zstd")),
    "compression-level": v.optional(
      count("compression-level", compressions.zstd.levelMax, " (zstd; 9 for gzip)"),
    ),
    "consistent-read": v.optional(v.boolean("consistent-read must be true or false")),
    "read-units": v.optional(count("read-units", 10_000_000, "")),
    "kms-key-id": v.optional(text("kms-key-id", /^[A-Za-z0-9:/_-]{1,2048}$/, "a KMS key id, ARN or alias")),
  });
}

/** The schema of a restore request. `maximumSegments` is the stage's setting, at most SEGMENTS_MAX. */
export function restoreRequestSchema(maximumSegments: number) {
  const { count, text, prefix, fields } = commonFields(maximumSegments);
  return closed({
    action: v.literal("restore", "action must be backup or restore"),
    ...fields,
    "restore-mode": v.optional(
      v.picklist(["empty-only", "merge", "if-absent"], "restore-mode must be empty-only, merge or if-absent"),
    ),
    "write-units": v.optional(count("write-units", 10_000_000, "")),
    "manifest-keys": v.optional(
      v.picklist(["own", "rebase", "as-listed"], "manifest-keys must be own, rebase or as-listed"),
    ),
    "out-of-order": v.optional(v.boolean("out-of-order must be true or false")),
    "create-table": v.optional(v.boolean("create-table must be true or false")),
    "table-settings": v.optional(
      v.picklist(["none", "keys", "all"], "table-settings must be none, keys or all"),
    ),
    "billing-mode": v.optional(
      v.picklist(["on-demand", "provisioned"], "billing-mode must be on-demand or provisioned"),
    ),
    "table-class": v.optional(
      v.picklist(
        ["standard", "standard-infrequent-access"],
        "table-class must be standard or standard-infrequent-access",
      ),
    ),
    only: v.optional(onlySchema),
    increments: v.optional(
      v.pipe(
        v.array(prefix("increments"), "increments must be a list of prefixes of incremental exports"),
        v.minLength(1, "increments must have at least one prefix"),
        v.maxLength(INCREMENTS_MAX, `increments must have at most ${INCREMENTS_MAX} prefixes`),
      ),
    ),
    until: v.optional(
      text(
        "until",
        /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z$/,
        "a time in UTC such as 2026-11-01T02:00:00Z",
      ),
    ),
  });
}

/** The fields' types, without the index signature that `objectWithRest` adds. */
type Fields<S extends { readonly entries: v.ObjectEntries }> = v.InferOutput<
  v.ObjectSchema<S["entries"], undefined>
>;

/** A valid backup request, in kebab-case as callers send it, with its prefix expanded and without a trailing `/`. */
export type BackupRequest = Fields<ReturnType<typeof backupRequestSchema>>;
/** A valid restore request, with its prefix expanded and without a trailing `/`. */
export type RestoreRequest = Fields<ReturnType<typeof restoreRequestSchema>>;
export type Request = BackupRequest | RestoreRequest;

/** An issue of an invalid request. */
export interface RequestIssue {
  /** The field, or `request` for the request as a whole. */
  readonly field: string;
  /** The field, the expected value and the received value. */
  readonly message: string;
}

/** A valid request, or all issues of an invalid one. */
export type ParsedRequest = { readonly request: Request } | { readonly issues: readonly RequestIssue[] };

/**
 * Reads a request and reports **all** its issues at once. `requestTimeMs`: the time to which `{date}` and `{time}` expand,
 * ms since 1970. `maximumSegments` and `compression` are the stage's settings.
 */
export function parseRequest(
  input: unknown,
  options: { requestTimeMs: number } & Pick<Settings, "maximumSegments" | "compression">,
): ParsedRequest {
  const action = actionOf(input);
  // A request with another action is checked against the fields of both actions, so that its other issues are reported too.
  const schema =
    action === "restore"
      ? restoreRequestSchema(options.maximumSegments)
      : action === "backup"
        ? backupRequestSchema(options.maximumSegments)
        : closed({
            ...restoreRequestSchema(options.maximumSegments).entries,
            ...backupRequestSchema(options.maximumSegments).entries,
          });
  const parsed = v.safeParse(schema, input);
  if (!parsed.success) return { issues: parsed.issues.map(toIssue) };
  const request = normalised(parsed.output as Request, options.requestTimeMs);
  const issues = [
    ...crossFieldIssues(parsed.output as Request, request["bucket-prefix"], options.compression),
  ];
  return issues.length > 0 ? { issues } : { request };
}

/** The table's name, also if the request gives an ARN. */
export function bareTableName(tableName: string): string {
  return tableName.slice(tableName.lastIndexOf("/") + 1);
}

/** The prefix of the archive: placeholders expanded (times without colons), trailing `/` removed. */
export function expandPrefix(prefix: string, tableName: string, requestTimeMs: number): string {
  const iso = isoOf(requestTimeMs);
  return prefix
    .replaceAll("{table}", bareTableName(tableName))
    .replaceAll("{date}", iso.slice(0, 10))
    .replaceAll("{time}", iso.slice(11, 19).replaceAll(":", "-"))
    .replace(/\/+$/, "");
}

function actionOf(input: unknown): unknown {
  return typeof input === "object" && input !== null && "action" in input ? input.action : undefined;
}

function normalised(request: Request, requestTimeMs: number): Request {
  return {
    ...request,
    "bucket-prefix": expandPrefix(request["bucket-prefix"], request["table-name"], requestTimeMs),
    ...("increments" in request &&
      request.increments !== undefined && {
        increments: request.increments.map((prefix) => prefix.replace(/\/+$/, "")),
      }),
  };
}

/** An issue of a field. `what`: the message after the field's name. */
const issueOf = (field: string, what: string): RequestIssue => ({ field, message: `${field} ${what}` });

function* crossFieldIssues(
  request: Request,
  expandedPrefix: string,
  stageCompression: Compression,
): Iterable<RequestIssue> {
  if ("compression-level" in request) {
    const compression = request.compression ?? stageCompression;
    const { levelMax } = compressions[compression];
    const level = request["compression-level"] ?? 1;
    if (level > levelMax)
      yield issueOf("compression-level", `must be at most ${levelMax} for ${compression}: got ${level}`);
  }
  if (request.action === "restore") yield* createTableIssues(request);
  const segments = request["total-segments"] ?? 1;
  if ("only" in request && request.only !== undefined && segments > ONLY_SEGMENTS_MAX)
    yield issueOf(
      "total-segments",
      `must be at most ${ONLY_SEGMENTS_MAX} for a restore with only: got ${segments}`,
    );
  const arnRegion = /^arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):/.exec(request["table-name"])?.[1];
  if (arnRegion !== undefined && arnRegion !== request["table-region"])
    yield issueOf(
      "table-name",
      `must be an ARN in table-region: expected ${request["table-region"]}, got ${arnRegion}`,
    );
  const unknown = /\{(?!table\}|date\}|time\})[^}]*\}?|(?<!\{(table|date|time))\}/.exec(
    request["bucket-prefix"],
  );
  if (unknown !== null)
    yield issueOf("bucket-prefix", `may contain {table}, {date} and {time}: got ${unknown[0]}`);
  if (request.action === "restore") yield* seriesIssues(request);
  if (expandedPrefix.length > PREFIX_LENGTH_MAX)
    yield issueOf(
      "bucket-prefix",
      `must expand to at most ${PREFIX_LENGTH_MAX} characters: got ${expandedPrefix.length}`,
    );
}

/** The fields that describe the new table. They have no effect on a table that exists. */
const NEW_TABLE_FIELDS = ["table-settings", "billing-mode", "table-class"] as const;

function* createTableIssues(request: RestoreRequest): Iterable<RequestIssue> {
  if (request["create-table"] !== true) {
    for (const field of NEW_TABLE_FIELDS)
      if (request[field] !== undefined)
        yield issueOf(
          field,
          `is for a table that the restore creates: add create-table true, or remove ${field}`,
        );
  } else if (request["table-name"].startsWith("arn:"))
    // A resource policy cannot allow another account to create the table that it would belong to.
    yield issueOf(
      "table-name",
      `must be a name if create-table is true, because a table is created in Ferry's own account: got ${quoted(request["table-name"])}`,
    );
}

/** Fields of the event, not of the request. */
const BESIDE: ReadonlySet<string> = new Set(["request-id", "request-time"]);

function* seriesIssues({ increments, until }: RestoreRequest): Iterable<RequestIssue> {
  if (until !== undefined && Number.isNaN(msOf(until)))
    yield issueOf("until", `must be a time that exists: got ${until}`);
  else if (until !== undefined && increments !== undefined)
    yield issueOf(
      "until",
      "and increments exclude each other: with until, Ferry finds the increments itself",
    );
  const listed = increments?.map((prefix) => prefix.replace(/\/+$/, "")) ?? [];
  const twice = listed.find((prefix, at) => listed.indexOf(prefix) < at);
  if (twice !== undefined) yield issueOf("increments", `must list each export once: got ${twice} twice`);
}

function toIssue(issue: v.BaseIssue<unknown>): RequestIssue {
  const field = truncate(v.getDotPath(issue) ?? "request", 120);
  if (issue.type === "never" && BESIDE.has(field))
    return issueOf(field, `must be beside the request: {"request": {…}, "${field}": …}`);
  if (issue.type === "never")
    return issueOf(field, "is not a field of this request: remove it, or check its spelling");
  if (field === "request") return issueOf(field, `must be an object: got ${quoted(issue.input)}`);
  if (issue.type === "object_with_rest") return issueOf(field, "is required but missing");
  return { field, message: `${issue.message}: got ${quoted(issue.input)}` };
}
