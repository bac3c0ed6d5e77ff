/**
 * List prices, the only place that has them. They are of us-east-1 and in US dollars; other regions differ by up to a half.
 */

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
const S3 = "https://aws.amazon.com/s3/pricing/";
const S3_COPY = "https://devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples";

export const prices = {
  region: "us-east-1",
  readUnits: { usd: 0.125, per: "million read request units", source: DYNAMODB, checked: CHECKED },
  writeUnits: { usd: 0.625, per: "million write request units", source: DYNAMODB, checked: CHECKED },
  export: { usd: 0.1, per: "GB exported", source: DYNAMODB, checked: CHECKED },
  import: { usd: 0.15, per: "GB imported", source: DYNAMODB, checked: CHECKED },
  pointInTimeRecovery: {
    usd: 0.2,
    per: "GB and month of point-in-time recovery",
    source: DYNAMODB,
    checked: CHECKED,
    comparedWith: BACKUPS,
  },
  backupStorage: {
    usd: 0.1,
    per: "GB and month of an on-demand backup",
    source: DYNAMODB,
    checked: CHECKED,
    comparedWith: BACKUPS,
  },
  backupRestore: { usd: 0.15, per: "GB restored from an on-demand backup", source: DYNAMODB },
  awsBackupStorage: {
    usd: 0.1,
    per: "GB and month of AWS Backup, warm",
    source: "https://aws.amazon.com/backup/pricing/",
    checked: CHECKED,
    comparedWith: BACKUPS,
  },
  awsBackupRestore: {
    usd: 0.15,
    per: "GB restored by AWS Backup",
    source: "https://aws.amazon.com/backup/pricing/",
  },
  lambda: {
    usd: 0.0000133334,
    per: "GB-second of Lambda, arm64",
    source: "https://aws.amazon.com/lambda/pricing/",
    checked: CHECKED,
    comparedWith: "https://cloudchipr.com/blog/aws-lambda-pricing (2024)",
  },
  s3Put: { usd: 5, per: "million PUT requests", source: S3, checked: CHECKED, comparedWith: S3_COPY },
  s3Get: { usd: 0.4, per: "million GET requests", source: S3, checked: CHECKED, comparedWith: S3_COPY },
  s3Storage: {
    usd: 0.023,
    per: "GB and month in S3",
    source: S3,
    checked: CHECKED,
    comparedWith: S3_COPY,
  },
  events: {
    usd: 1,
    per: "million events",
    source: "https://aws.amazon.com/eventbridge/pricing/",
    checked: CHECKED,
    comparedWith: "https://cloudburn.io/blog/amazon-eventbridge-pricing (2026-03)",
  },
  transfer: {
    usd: 0.02,
    per: "GB to another region",
    source: "https://aws.amazon.com/ec2/pricing/on-demand/",
    checked: CHECKED,
    comparedWith: "https://redresscompliance.com/aws-inter-region-transfer-costs-multiregion",
  },
} as const satisfies { readonly region: string } & Readonly<Record<string, Price | string>>;

/** One sentence: which of the prices were checked, with what, and which are from memory. */
export function howPricesAreKnown(): string {
  const listed = Object.values<Price | string>(prices).filter((price) => typeof price !== "string");
  const published = listed.filter(({ checked, comparedWith }) => checked !== undefined && !comparedWith);
  const repeated = listed.filter(({ comparedWith }) => comparedWith !== undefined);
  const remembered = listed.filter(({ checked }) => checked === undefined);
  const named = (some: readonly Price[]) => `a ${some.map(({ per }) => per).join(", a ")}`;
  const months = new Set([...published, ...repeated].map(({ checked }) => checked));
  return `Checked ${[...months].join(", ")}: the prices of ${named(published)} with AWS's own pages, ${repeated.length} others with pages that repeat them; from memory: ${named(remembered)}.`;
}
