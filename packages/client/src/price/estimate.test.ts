import { expect, test } from "vitest";
import { estimateBackup, estimateRestore } from "./estimate.ts";

const table = (fields: object = {}) => ({
  arn: "arn:aws:dynamodb:us-east-1:123456789012:table/orders",
  status: "ACTIVE",
  keys: ["id"] as const,
  keyTypes: { id: "S" },
  sizeBytes: 1e12,
  itemCount: 1e9,
  indexCount: 0,
  ...fields,
});

test("a backup of 1 TB costs its read units and little more; an export $100", () => {
  const { units, parts, ways, cheapest, fastest } = estimateBackup(table());
  expect(units).toBeCloseTo(122e6, -6);
  expect(parts.units).toBeCloseTo(15.26, 1);
  expect(ways.find(({ name }) => name === "export to S3")?.usd).toBeCloseTo(100);
  expect(ways[0]?.usd).toBeLessThan(25);
  expect(cheapest).toBe("Ferry backup");
  expect(fastest).toBe("on-demand backup");
});

test("a restore of 1 TB of small items costs more than an import", () => {
  const { ways, parts, cheapest } = estimateRestore(table());
  expect(parts.units).toBeCloseTo(625);
  expect(ways.find(({ name }) => name === "import from S3")?.usd).toBeCloseTo(150);
  expect(cheapest).toBe("import from S3");
});

test("each index doubles a restore's units; a consistent backup doubles its own", () => {
  expect(estimateRestore(table({ indexCount: 1 })).units).toBe(2 * estimateRestore(table()).units);
  expect(estimateBackup(table(), { consistentRead: true }).units).toBe(2 * estimateBackup(table()).units);
});

test("a provisioned table's units are paid for, and half of its capacity bounds the duration", () => {
  const { parts, ways, units } = estimateBackup(table({ provisioned: { readUnits: 1000, writeUnits: 10 } }));
  expect(parts.units).toBe(0);
  expect(ways[0]?.seconds?.[0]).toBe(units / 500);
});

test("another region adds the transfer", () => {
  expect(estimateBackup(table()).parts.transfer).toBe(0);
  expect(estimateBackup(table(), { otherRegion: true }).parts.transfer).toBeGreaterThan(1);
});

test("an empty table costs nothing to restore", () => {
  expect(estimateRestore(table({ sizeBytes: 0, itemCount: 0 }))).toMatchObject({ units: 0 });
});
