/** The addresses of tables and buckets. */

/** A table's region and name. */
export interface TableAddress {
  readonly region: string;
  /** A name, or an ARN for another account's table. */
  readonly name: string;
}

/** A bucket and its expected owner. */
export interface BucketAddress {
  readonly region: string;
  readonly name: string;
  /** The id of the account that must own the bucket. */
  readonly owner?: string;
}
