/**
 * List prices, the only place that has them. They are of us-east-1 and in US dollars; other regions differ by up to a half.
 */
import { definedFields } from "@ferry/core/defined-fields";

interface Price {
  readonly usd: number;
  /** What it is for, in words. */
  readonly per: string;
  /** Where AWS publishes the price. */
  readonly source: string;
  /** The month in which the price was compared with `comparedWith`, or with a copy of what AWS publishes; absent: it is from memory. */
  readonly checked?: string;
  /** A page of others that repeats the price, with the month of that page if it has one. */
  readonly comparedWith?: string;
}

const DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/";
const CHECKED = "2026-11";
/** AWS's pages load their prices with scripts; copies of the pages do not have them. */
const BACKUPS =
  "https://www.factualminds.com/blog/aws-backup-pricing-vaults-cross-region-restores/ (2026-06)";
const BACKUP = "https://aws.amazon.com/backup/pricing/";
const S3 = "https://aws.amazon.com/s3/pricing/";
const S3_COPY = "https://devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples";

const checked = (usd: number, per: string, source: string, comparedWith?: string): Price =>
  definedFields({ usd, per, source, checked: CHECKED, comparedWith });
const fromMemory = (usd: number, per: string, source: string): Price => ({ usd, per, source });

export const PRICES_REGION = "us-east-1";

export const prices = {
  readUnits: checked(0.125, "million read request units", DYNAMODB),
  writeUnits: checked(0.625, "million write request units", DYNAMODB),
  export: checked(0.1, "GB exported", DYNAMODB),
  import: checked(0.15, "GB imported", DYNAMODB),
  pointInTimeRecovery: checked(0.2, "GB and month of point-in-time recovery", DYNAMODB, BACKUPS),
  backupStorage: checked(0.1, "GB and month of an on-demand backup", DYNAMODB, BACKUPS),
  backupRestore: fromMemory(0.15, "GB restored from an on-demand backup", DYNAMODB),
  awsBackupStorage: checked(0.1, "GB and month of AWS Backup, warm", BACKUP, BACKUPS),
  awsBackupRestore: fromMemory(0.15, "GB restored by AWS Backup", BACKUP),
  lambda: checked(
    0.0000133334,
    "GB-second of Lambda, arm64",
    "https://aws.amazon.com/lambda/pricing/",
    "https://cloudchipr.com/blog/aws-lambda-pricing (2024)",
  ),
  s3Put: checked(5, "million PUT requests", S3, S3_COPY),
  s3Get: checked(0.4, "million GET requests", S3, S3_COPY),
  s3Storage: checked(0.023, "GB and month in S3", S3, S3_COPY),
  events: checked(
    1,
    "million events",
    "https://aws.amazon.com/eventbridge/pricing/",
    "https://cloudburn.io/blog/amazon-eventbridge-pricing (2026-03)",
  ),
  transfer: checked(
    0.02,
    "GB to another region",
    "https://aws.amazon.com/ec2/pricing/on-demand/",
    "https://redresscompliance.com/aws-inter-region-transfer-costs-multiregion",
  ),
} as const satisfies Readonly<Record<string, Price>>;

/** One sentence: which of the prices were checked, with what, and which are from memory. */
export function howPricesAreKnown(): string {
  const listed = Object.values<Price>(prices);
  const published = listed.filter((price) => price.checked !== undefined && !price.comparedWith);
  const repeated = listed.filter(({ comparedWith }) => comparedWith !== undefined);
  const remembered = listed.filter((price) => price.checked === undefined);
  const named = (some: readonly Price[]) => `a ${some.map(({ per }) => per).join(", a ")}`;
  const months = new Set([...published, ...repeated].map((price) => price.checked));
  return `Checked ${[...months].join(", ")}: the prices of ${named(published)} with AWS's own pages, ${repeated.length} others with pages that repeat them; from memory: ${named(remembered)}.`;
}
