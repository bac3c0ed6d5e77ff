/**
 * A restore of some of the demo's cities.
 */
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { fullExport, itemLine } from "@ferry/memory/native-export";
import { beforeAll, expect, test } from "vitest";
import type { TestClient } from "../e2e/test-client.ts";
import { sharedHost } from "../e2e/test-host.ts";
import { type CityItem, cities } from "./cities.ts";
import { createCityTable } from "./city-table.ts";

const TABLE = "cities";
const CITIES = 20_000;
const FILES = 8;

let client: TestClient;
beforeAll(async () => {
  ({ client } = await sharedHost());
});

/** The cities as an export of DynamoDB: to load them into a table would take seconds. Returns the prefix. */
async function putExport(request: Record<string, string>, items: readonly CityItem[]): Promise<string> {
  const files = Array.from({ length: FILES }, (_, n) =>
    items.filter((__, at) => at % FILES === n).map((item) => itemLine(JSON.stringify(item))),
  );
  const { prefix, objects } = fullExport({ bucket: request["bucket-name"]!, id: "cities", files });
  const s3 = new S3Client({ region: request["bucket-region"]! });
  for (const { key, body } of objects)
    await s3.send(new PutObjectCommand({ Bucket: request["bucket-name"]!, Key: key, Body: body }));
  return prefix;
}

test("given 20,000 of the demo's cities, only the named ones are restored, each as it was", async () => {
  const items = await cities(CITIES);
  await createCityTable("eu-west-1", TABLE);
  const request = client.restoreOf(TABLE);
  const prefix = await putExport(request, items);

  const countries = [...Map.groupBy(items, ({ country }) => country!.S!)].sort(
    ([, a], [, b]) => a.length - b.length,
  );
  const [smallest, [largest, itsCities]] = [countries[0]!, countries.at(-1)!];
  const byId = itsCities.toSorted((a, b) => idOf(a) - idOf(b));
  const [from, to] = [byId[10]!, byId[40]!];
  const single = byId.at(-1)!;
  const only = [
    { country: { S: smallest[0] } },
    { id: { from: from["id"]!, to: { N: `${to["id"]!.N}.0` } }, country: { S: largest } },
    { country: { S: largest }, id: { N: `${single["id"]!.N}00e-2` } },
    { country: { S: "no such country" } },
  ];
  const row = await client.runTask({ ...request, "bucket-prefix": prefix, only }, "r-cities");
  const wanted = [...smallest[1], ...byId.slice(10, 41), single];
  expect(row).toMatchObject({
    state: "succeeded",
    "transferred-items": items.length,
    "matched-items": wanted.length,
    "skipped-items": 0,
  });
  const inOrder = (all: readonly CityItem[]) => all.toSorted((a, b) => idOf(a) - idOf(b));
  expect(inOrder(await client.copied(TABLE))).toEqual(inOrder(wanted));
});

function idOf(city: CityItem): number {
  return Number(city["id"]!.N);
}
