/** The fields of settings. They reject values before a deploy that AWS would reject in the middle of it. */
import * as v from "valibot";

/** A text of the form that the message describes. */
export const textLike = (pattern: RegExp, message: string) => v.pipe(v.string(), v.regex(pattern, message));

export const regionField = textLike(/^[a-z]{2}(-[a-z]+)+-\d$/, "must be a region such as us-east-1");
export const accountField = textLike(/^\d{12}$/, "must be an account id of 12 digits");
/** "none" must be written: a stage without an address is a decision, not a field that was forgotten. */
export const alarmEmailField = v.pipe(
  v.string(),
  v.check(
    (text) => text === "none" || v.is(v.pipe(v.string(), v.email()), text),
    'must be an e-mail address, or "none"',
  ),
);
export const kmsKeyField = textLike(
  /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/,
  "must be the ARN of a KMS key",
);
export const bucketField = textLike(
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  "must be a bucket name of 3 to 63 characters of a-z 0-9 . -",
);
const tableArn = textLike(
  /^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table\/[A-Za-z0-9_.-]{3,255}$/,
  "must be a table's ARN, or { region, name }",
);

const ownTable = {
  region: regionField,
  name: textLike(/^[A-Za-z0-9_.-]{3,255}$/, "must be a table's name"),
};

/** A table: the ARN of a table in any account, or the region and name of a table in the account that Ferry is deployed to. */
export const tableField = v.union([tableArn, v.strictObject(ownTable)]);

/** The same for a table to restore into, which a restore may create only with `create`. */
export const restoredTableField = v.union([
  tableArn,
  v.strictObject({ ...ownTable, create: v.optional(v.boolean(), false) }),
]);

/** The times of a schedule: an expression of EventBridge Scheduler. */
export const expressionField = v.pipe(
  v.string(),
  v.check(
    (text) => isCron(text) || isRate(text),
    "must be cron(minutes hours day-of-month month day-of-week year) with ? for one of the two days, or rate(12 hours)",
  ),
);

function isCron(text: string): boolean {
  const fields = /^cron\(([0-9A-Za-z*,/?#-]+(?: [0-9A-Za-z*,/?#-]+){5})\)$/.exec(text)?.[1]?.split(" ");
  return fields !== undefined && (fields[2] === "?") !== (fields[4] === "?");
}

function isRate(text: string): boolean {
  const [, value, unit] = /^rate\(([1-9]\d*) (minutes?|hours?|days?)\)$/.exec(text) ?? [];
  return value === "1" || unit?.endsWith("s") === true;
}

export const timezoneField = v.pipe(
  v.string(),
  v.check((name) => {
    try {
      return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
    } catch {
      return false;
    }
  }, "must be an IANA time zone such as Europe/London"),
);

const TAGS_MAX = 7;
export const tagsField = v.pipe(
  v.record(
    textLike(
      /^(?!aws:|sst:|ferry:)[\p{L}\p{N} _.:/=+@-]{1,128}$/u,
      "must be a tag's name: 1 to 128 letters, digits, spaces or _ . : / = + @ -, and must not begin with aws:, sst: or ferry:",
    ),
    textLike(
      /^[\p{L}\p{N} _.:/=+@-]{0,256}$/u,
      "must be up to 256 letters, digits, spaces or _ . : / = + @ -",
    ),
  ),
  v.maxEntries(
    TAGS_MAX,
    `must be at most ${TAGS_MAX}: SST and Ferry add three, and S3 allows ten on the objects of the functions' code`,
  ),
);
