/**
 * A full export of 100 items of DynamoDB and two incremental ones that follow it, written by another writer than Ferry.
 */
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { changeLine, fullExport, incrementalExport, itemLine } from "@ferry/memory/native-export";

/** The time of the full export (0), or of the end of an incremental one, ISO 8601. */
export const timeOfExport = (index: number) => `2026-11-01T0${index}:00:00.000Z`;

export const exportedIds = Array.from({ length: 100 }, (_, n) => `k${String(n).padStart(3, "0")}`);

const item = (id: string, version: string) => `{"id":{"S":"${id}"},"v":{"S":"${version}"}}`;
const put = (id: string, version: string) =>
  changeLine({ keys: `{"id":{"S":"${id}"}}`, newImage: item(id, version) });
const remove = (id: string) => changeLine({ keys: `{"id":{"S":"${id}"}}`, oldImage: item(id, "full") });

/** Puts them into the bucket of the archives of a test's requests. Returns their prefixes. */
export async function putExports(place: {
  readonly "bucket-name": string;
  readonly "bucket-region": string;
}): Promise<[full: string, first: string, second: string]> {
  const bucket = place["bucket-name"];
  const lines = exportedIds.map((id) => itemLine(item(id, "full")));
  const exports = [
    fullExport({
      bucket,
      id: "00",
      files: [lines.slice(0, 60), lines.slice(60), []],
      summary: { exportTime: timeOfExport(0) },
    }),
    // Updates, deletes and a new item; then a re-insert and a delete of what was updated.
    incrementalExport({
      bucket,
      id: "01",
      from: timeOfExport(0),
      to: timeOfExport(1),
      files: [[put("k000", "one"), remove("k001")], [put("new", "one")]],
    }),
    incrementalExport({
      bucket,
      id: "02",
      from: timeOfExport(1),
      to: timeOfExport(2),
      files: [[put("k001", "two"), remove("k000")], []],
    }),
  ];
  const s3 = new S3Client({ region: place["bucket-region"] });
  for (const { key, body } of exports.flatMap(({ objects }) => objects))
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  return exports.map(({ prefix }) => prefix) as [string, string, string];
}
