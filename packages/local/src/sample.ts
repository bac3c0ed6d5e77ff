/**
 * Tables and a bucket to try Ferry with, on a running host.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { cities } from "./demo/cities.ts";
import { createCityTable } from "./demo/city-table.ts";
import { putItems } from "./load-table.ts";

export const sample = {
  source: { region: "us-east-1", table: "cities", items: 3000 },
  copy: { region: "eu-west-1", table: "cities-copy" },
  bucket: "archives",
} as const;

/** Creates a table with cities, an empty one with the same keys, and a bucket. The clients read `process.env`. */
export async function createSample(): Promise<void> {
  const { source, copy, bucket } = sample;
  await Promise.all([
    createCityTable(source.region, source.table),
    createCityTable(copy.region, copy.table),
    new S3Client().send(new CreateBucketCommand({ Bucket: bucket })),
  ]);
  await putItems(new DynamoDBClient({ region: source.region }), source.table, await cities(source.items));
}
