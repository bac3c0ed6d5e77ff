/**
 * How things are called here.
 */

/** The one account there is. */
export const ACCOUNT = "000000000000";

/** A queue's URL. It tells the region, since one port serves them all. */
export function queueUrl(endpoint: string, region: string, name: string): string {
  return `${endpoint}/${region}/${ACCOUNT}/${name}`;
}

export function queueArn(region: string, name: string): string {
  return `arn:aws:sqs:${region}:${ACCOUNT}:${name}`;
}
