import type { S3Client } from "@aws-sdk/client-s3";
import { backupRequest, bucket, runTask, source, world } from "@ferry/memory/testing/tasks";
import { expect, test } from "vitest";
import { inspectArchive } from "./inspect-archive.ts";

const TABLE_KEY = "backups/one/table.json";

/** An archive of one item, whose table.json has other fields too. */
async function inspected(fields: object) {
  const ports = world();
  ports.tables.put(source, '{"id":{"S":"a"}}');
  await runTask(backupRequest, ports);
  const stored = await ports.archive.get(bucket, TABLE_KEY);
  const settings = { ...JSON.parse(Buffer.from(stored!.body).toString()), ...fields };
  ports.archive.store(bucket, TABLE_KEY, Buffer.from(JSON.stringify(settings)), stored!.head.metadata);
  const s3 = () => ({ send: async () => ({ Contents: [] }) }) as unknown as S3Client;
  const access = { archive: ports.archive, region: async () => bucket.region, s3 };
  return inspectArchive(access, { bucket: bucket.name, prefix: "backups/one" });
}

test("an archive is described with all fields of its table.json", async () => {
  expect(await inspected({ Tags: [{ Key: "a", Value: "b" }], Later: 1 })).toMatchObject({
    items: 1,
    settings: { Tags: [{ Key: "a", Value: "b" }], Later: 1 },
  });
});

test("given settings in table.json that are not a table's, the error names the field", async () => {
  await expect(inspected({ Tags: "none" })).rejects.toMatchObject({
    code: "broken-archive",
    message: expect.stringMatching(/table\.json .*Tags/),
  });
});
