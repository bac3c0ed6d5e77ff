import { describe, expect, test } from "vitest";
import type { ListedArchive } from "../archive/list-archives.ts";
import { type PruneOptions, planPrune } from "./plan-prune.ts";

const ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/orders";
const backup = (day: number, change: Partial<ListedArchive> = {}): ListedArchive => ({
  url: `s3://archives/orders/${day}`,
  state: "sealed",
  writer: "ferry",
  incremental: false,
  tableArn: ARN,
  startedTime: `2026-11-0${day}T02:00:00.000Z`,
  ...change,
});
const fullExport = (day: number, change: Partial<ListedArchive> = {}): ListedArchive => ({
  ...backup(day),
  url: `s3://archives/AWSDynamoDB/full-${day}`,
  writer: "dynamodb",
  window: { to: `2026-11-0${day}T02:00:00.000Z` },
  ...change,
});
const incremental = (from: number, to: number, change: Partial<ListedArchive> = {}): ListedArchive => ({
  ...fullExport(to),
  url: `s3://archives/AWSDynamoDB/incremental-${from}-${to}`,
  incremental: true,
  window: { from: `2026-11-0${from}T02:00:00.000Z`, to: `2026-11-0${to}T02:00:00.000Z` },
  ...change,
});

function decided(archives: readonly ListedArchive[], options: Partial<PruneOptions> = {}) {
  const all = { rules: { last: 1 }, exports: false, inUse: new Map(), neighbours: [], ...options };
  return Object.fromEntries(
    planPrune(archives, all).map(({ archive, decision }) => [archive.url.split("/").at(-1), decision]),
  );
}

describe("a prune", () => {
  test("removes the archives of each table that no rule keeps", () => {
    const other = backup(4, { url: "s3://archives/other/4", tableArn: `${ARN}-2` });
    const decisions = planPrune([backup(1), backup(3), backup(2), other], {
      rules: { last: 1 },
      exports: false,
      inUse: new Map(),
      neighbours: [],
    });
    expect(decisions.map(({ decision, reasons }) => [decision, ...reasons])).toEqual([
      ["remove"],
      ["keep", "last 1"],
      ["remove"],
      ["keep", "last 1"],
    ]);
  });

  test("leaves what is not sealed, cannot be read, or names no table", () => {
    const archives = [
      backup(1, { state: "open" }),
      backup(2, { state: "broken", problem: "no JSON" }),
      (({ tableArn: _, ...rest }) => rest)(backup(3)),
      backup(4),
    ];
    expect(decided(archives)).toEqual({ 1: "leave", 2: "leave", 3: "leave", 4: "keep" });
  });

  test("keeps what a task uses", () => {
    const inUse = new Map([["s3://archives/orders/1", "task-1"]]);
    expect(decided([backup(1), backup(2), backup(3)], { inUse })).toEqual({
      1: "keep",
      2: "remove",
      3: "keep",
    });
  });

  test("keeps an archive whose files the manifest of one that stays names, here or beside it", () => {
    const reader = (change: Partial<ListedArchive> = {}) =>
      backup(2, { url: "s3://archives/orders/reader", filesAt: "s3://archives/orders/1", ...change });
    const newer = backup(3, { url: "s3://archives/orders/newer" });
    expect(decided([backup(1), reader(), newer], { rules: { last: 2 } })).toEqual({
      1: "keep",
      reader: "keep",
      newer: "keep",
    });
    // Both go, or the reader cannot be read and stays.
    expect(decided([backup(1), reader(), newer])).toEqual({ 1: "remove", reader: "remove", newer: "keep" });
    expect(decided([backup(1), reader({ state: "broken" }), newer])).toMatchObject({ 1: "keep" });
    expect(decided([backup(1), newer], { neighbours: [reader()] })).toMatchObject({ 1: "keep" });
    const [kept] = planPrune([backup(1), reader({ state: "broken" }), newer], {
      rules: { last: 1 },
      exports: false,
      inUse: new Map(),
      neighbours: [],
    });
    expect(kept!.reasons).toEqual(["the manifest at s3://archives/orders/reader names its files"]);
  });

  test("completes what an earlier one began, unless the rules keep it", () => {
    const rest: ListedArchive = {
      url: "s3://archives/orders/rest",
      state: "pruned",
      writer: "ferry",
      incremental: false,
    };
    expect(decided([backup(1, { state: "pruned" }), backup(2), rest])).toEqual({
      1: "remove",
      2: "keep",
      rest: "remove",
    });
    // It does not count for the others: they can be restored.
    expect(decided([backup(1), backup(2, { state: "pruned" })])).toEqual({ 1: "keep", 2: "leave" });
    const inUse = new Map([[rest.url, "task-1"]]);
    expect(decided([rest], { inUse })).toEqual({ rest: "leave" });
  });

  test("leaves DynamoDB's exports, unless it is asked to remove full ones", () => {
    const archives = [fullExport(1), fullExport(5), incremental(8, 9)];
    expect(decided(archives)).toEqual({ "full-1": "leave", "full-5": "leave", "incremental-8-9": "leave" });
    expect(decided(archives, { exports: true })).toEqual({
      "full-1": "remove",
      "full-5": "keep",
      "incremental-8-9": "leave",
    });
  });

  test("applies the rules to exports and backups of one table separately", () => {
    expect(decided([fullExport(1), backup(9)], { exports: true })).toEqual({ "full-1": "keep", 9: "keep" });
  });
});

describe("a full export on which an incremental one builds is kept", () => {
  const newer = fullExport(9);
  test.each<[string, ListedArchive, string]>([
    ["that begins where it ends", incremental(3, 4), "keep"],
    ["that begins before and ends after it", incremental(2, 4), "keep"],
    ["not one that ends with it", incremental(2, 3), "remove"],
    ["not one that begins after it", incremental(4, 5), "remove"],
    ["not one of another table", incremental(3, 4, { tableArn: `${ARN}-2` }), "remove"],
  ])("%s", (_, change, decision) => {
    const archives = [fullExport(3), newer, change];
    expect(decided(archives, { exports: true })).toMatchObject({ "full-3": decision });
    const alone = {
      exports: true,
      neighbours: [change],
      rules: { within: { years: 0, months: 0, days: 1, hours: 0 } },
    };
    expect(decided([fullExport(3), newer], alone)).toMatchObject({ "full-3": decision });
  });

  test("with the reason", () => {
    const [first] = planPrune([fullExport(3), newer, incremental(3, 4)], {
      rules: { last: 1 },
      exports: true,
      inUse: new Map(),
      neighbours: [],
    });
    expect(first!.reasons).toEqual([
      "incremental export s3://archives/AWSDynamoDB/incremental-3-4 builds on it",
    ]);
  });
});
