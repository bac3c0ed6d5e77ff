/** The run's archives, taken away with the operator's own rights: Ferry's roles cannot. */
import { DeleteObjectsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { prefixOf, type Stage } from "./stage.ts";

export async function deleteArchives(stage: Stage): Promise<void> {
  const Prefix = `${prefixOf(stage)}/`;
  for (;;) {
    const { Contents = [] } = await stage.s3.send(new ListObjectsV2Command({ Bucket: stage.bucket, Prefix }));
    if (Contents.length === 0) return;
    const { Errors = [] } = await stage.s3.send(
      new DeleteObjectsCommand({
        Bucket: stage.bucket,
        Delete: { Objects: Contents.map(({ Key }) => ({ Key })), Quiet: true },
      }),
    );
    if (Errors.length > 0)
      throw new Error(
        `${Errors[0]?.Key}: ${Errors[0]?.Message}; delete s3://${stage.bucket}/${Prefix} yourself`,
      );
  }
}
