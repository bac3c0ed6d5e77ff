/** Deletes the run's archives with the operator's permissions: Ferry's roles cannot delete objects. */
import { DeleteObjectsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { archivePrefix, type DeployedStage } from "./stage.ts";

export async function deleteArchives(stage: DeployedStage): Promise<void> {
  const Prefix = `${archivePrefix(stage)}/`;
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
        `${Errors[0]?.Key}: ${Errors[0]?.Message}; delete s3://${stage.bucket}/${Prefix} manually`,
      );
  }
}
