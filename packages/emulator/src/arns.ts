/**
 * The account, the ARNs and the URLs of the emulator.
 */

/** The emulator's only account. */
export const ACCOUNT = "000000000000";

/** A queue's URL. It contains the region, because one port serves all regions. */
export function emulatedQueueUrl(endpoint: string, region: string, name: string): string {
  return `${endpoint}/${region}/${ACCOUNT}/${name}`;
}

export function queueArn(region: string, name: string): string {
  return `arn:aws:sqs:${region}:${ACCOUNT}:${name}`;
}

export function busArn(region: string, name: string): string {
  return `arn:aws:events:${region}:${ACCOUNT}:event-bus/${name}`;
}
