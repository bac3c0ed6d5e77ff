/** The addresses of tables and buckets, and how messages name them. */

/** A table's region and name. */
export interface TableAddress {
  readonly region: string;
  /** A name, or an ARN for another account's table. */
  readonly name: string;
}

/** A table as messages name it. */
export function tableResource({ region, name }: TableAddress): string {
  return `table ${name} in ${region}`;
}

/** A bucket and its expected owner. */
export interface BucketAddress {
  readonly region: string;
  readonly name: string;
  /** The id of the account that must own the bucket. */
  readonly owner?: string;
}

/** An object as messages name it; without a key, its bucket. */
export function objectResource(bucket: Pick<BucketAddress, "name">, key = ""): string {
  return `s3://${bucket.name}/${key}`;
}
