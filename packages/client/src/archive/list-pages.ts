/**
 * Listings of a bucket.
 */
import { ListObjectsV2Command, type ListObjectsV2CommandOutput, type S3Client } from "@aws-sdk/client-s3";
import { calling } from "../client-error.ts";

/** Yields the pages of a listing. `resource` names it in errors. ClientErrors `no-such-bucket`, `access-denied`. */
export async function* listPages(
  client: S3Client,
  input: { readonly Bucket: string; readonly Prefix: string; readonly Delimiter?: string },
  resource = `s3://${input.Bucket}/${input.Prefix}`,
): AsyncGenerator<ListObjectsV2CommandOutput, void, void> {
  let ContinuationToken: string | undefined;
  do {
    const page = await calling({ operation: "ListObjectsV2", resource }, () =>
      client.send(new ListObjectsV2Command({ ...input, ContinuationToken })),
    );
    yield page;
    ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (ContinuationToken !== undefined);
}
