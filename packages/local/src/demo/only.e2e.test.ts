/**
 * A restore of some of the demo's cities.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestClient, type TestClient } from "../e2e/test-client.ts";
import { type Host, startHost } from "../host.ts";
import { type CityItem, cities } from "./cities.ts";
import { createCityTable, load } from "./load.ts";

/** Enough for several data files. With all 135,000 it takes a minute and tests nothing else. */
const ITEMS = 20_000;
const TABLE = "cities";

let host: Host;
let client: TestClient;
beforeAll(async () => {
  host = await startHost({});
  client = await createTestClient(host);
});
afterAll(() => host?.stop());

test("given the demo's cities, only the named ones are restored, each as it was", async () => {
  const items = cities(ITEMS);
  for (const region of ["us-east-1", "eu-west-1"]) await createCityTable(region, TABLE);
  await load("us-east-1", TABLE, items, () => {});
  const backup = { ...client.backupOf(TABLE), "total-segments": 4, "batch-bytes": 1_000_000 };
  expect(await client.runTask(backup, "b-cities")).toMatchObject({ state: "succeeded" });

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
  const row = await client.runTask({ ...client.restoreOf(TABLE), only }, "r-cities");
  const wanted = [...smallest[1], ...byId.slice(10, 41), single];
  expect(row).toMatchObject({
    state: "succeeded",
    "transferred-items": ITEMS,
    "matched-items": wanted.length,
    "skipped-items": 0,
  });
  const inOrder = (all: readonly CityItem[]) => all.toSorted((a, b) => idOf(a) - idOf(b));
  expect(inOrder(await client.copied(TABLE))).toEqual(inOrder(wanted));
});

function idOf(city: CityItem): number {
  return Number(city["id"]!.N);
}
