/**
 * List prices, the only place that has them. They are of us-east-1 and in US dollars; other regions differ by up to a half.
 */

interface Price {
  readonly usd: number;
  /** What it is for, in words. */
  readonly per: string;
  /** Where AWS publishes the price. */
  readonly source: string;
  /** The month in which the price was compared with a copy of what AWS publishes; absent: it is from memory. */
  readonly checked?: string;
}

const DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/";
const CHECKED = "2026-11";

export const prices = {
  region: "us-east-1",
  readUnits: { usd: 0.125, per: "million read request units", source: DYNAMODB, checked: CHECKED },
  writeUnits: { usd: 0.625, per: "million write request units", source: DYNAMODB, checked: CHECKED },
  export: { usd: 0.1, per: "GB exported", source: DYNAMODB, checked: CHECKED },
  import: { usd: 0.15, per: "GB imported", source: DYNAMODB, checked: CHECKED },
  pointInTimeRecovery: { usd: 0.2, per: "GB and month", source: DYNAMODB },
  backupStorage: { usd: 0.1, per: "GB and month", source: DYNAMODB },
  backupRestore: { usd: 0.15, per: "GB restored", source: DYNAMODB },
  awsBackupStorage: { usd: 0.1, per: "GB and month, warm", source: "https://aws.amazon.com/backup/pricing/" },
  awsBackupRestore: { usd: 0.15, per: "GB restored", source: "https://aws.amazon.com/backup/pricing/" },
  lambda: { usd: 0.0000133334, per: "GB-second, arm64", source: "https://aws.amazon.com/lambda/pricing/" },
  s3Put: { usd: 5, per: "million PUT requests", source: "https://aws.amazon.com/s3/pricing/" },
  s3Get: { usd: 0.4, per: "million GET requests", source: "https://aws.amazon.com/s3/pricing/" },
  s3Storage: { usd: 0.023, per: "GB and month", source: "https://aws.amazon.com/s3/pricing/" },
  events: { usd: 1, per: "million events", source: "https://aws.amazon.com/eventbridge/pricing/" },
  transfer: {
    usd: 0.02,
    per: "GB to another region",
    source: "https://aws.amazon.com/ec2/pricing/on-demand/",
  },
} as const satisfies { readonly region: string } & Readonly<Record<string, Price | string>>;

/** One sentence: which of the prices were checked, and that the others are from memory. */
export function howPricesAreKnown(): string {
  const listed = Object.values<Price | string>(prices).filter((price) => typeof price !== "string");
  const checked = listed.filter((price) => price.checked !== undefined);
  const months = new Set(checked.map((price) => price.checked));
  return `Checked ${[...months].join(", ")}: the prices of a ${checked.map(({ per }) => per).join(", a ")}; the other ${listed.length - checked.length} are from memory.`;
}
