/**
 * The command with DynamoDB's exports, against the local host.
 */
import { putExports } from "@ferry/local/e2e/some-exports";
import type { TestClient } from "@ferry/local/e2e/test-client";
import { sharedHost } from "@ferry/local/e2e/test-host";
import type { Host } from "@ferry/local/host";
import { beforeAll, expect, test } from "vitest";
import { oneProcess } from "./one-process.ts";
import { jsonLines } from "./run-ferry.ts";

/** A bucket of its own: other tests may have exports in the folder of the shared one. */
const BUCKET = "series-of-commands";
const TABLE = "moments-of-commands";

let host: Host;
let client: TestClient;
let urls: string[];
beforeAll(async () => {
  ({ host, client } = await sharedHost());
  await client.createCopy(TABLE);
  await client.createBucket(BUCKET);
  const prefixes = await putExports({ ...client.restoreOf(TABLE), "bucket-name": BUCKET });
  urls = prefixes.map((prefix) => `s3://${BUCKET}/${prefix}`);
});

const commands = oneProcess();
const ferry = (...args: string[]) => commands.run(args, { FERRY_LOCAL: host.endpoint });

test("exports are listed and inspected with the times of their items and changes", async () => {
  const listed = await ferry("archives", `s3://${BUCKET}/AWSDynamoDB`);
  expect(listed.stdout).toMatch(/AWSDynamoDB\/00 +sealed, export as of 2026-11-01 00:00 /);
  expect(listed.stdout).toMatch(/AWSDynamoDB\/02 +sealed, incremental export to 2026-11-01 02:00 /);
  expect((await ferry("inspect", urls[0]!)).stdout).toMatch(
    /time \(UTC\) +the table as of 2026-11-01 00:00\n/,
  );
  expect((await ferry("inspect", urls[2]!)).stdout).toMatch(
    /time \(UTC\) +changes from 2026-11-01 01:00 to 2026-11-01 02:00\n/,
  );
});

test("a restore of a series takes the URLs that are listed, and says which time comes out", async () => {
  const [full, ...increments] = urls;
  const restore = ["restore", full!, TABLE, "--table-region", "eu-west-1"];
  const named = increments.flatMap((url) => ["--increments", url]);
  const ended = await ferry(...restore, ...named, "--wait", "--json");
  expect(ended.code).toBe(0);
  expect(jsonLines<object>(ended).at(-1)).toMatchObject({
    task: { state: "succeeded", moment: "2026-11-01T02:00:00.000Z", items: 105 },
  });
  expect(await client.copied(TABLE)).toHaveLength(100);
  expect(await ferry(...restore, "--increments", "s3://others/AWSDynamoDB/01")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("is in another bucket than the full export, series-of-commands."),
  });
});

test("a prune keeps the full export on which the incremental ones build", async () => {
  const pruned = await ferry(
    "prune",
    `s3://${BUCKET}/AWSDynamoDB`,
    "--keep-within",
    "1h",
    "--exports",
    "--dry-run",
  );
  expect(pruned.stdout).toContain(`incremental export ${urls[1]} builds on it`);
});
