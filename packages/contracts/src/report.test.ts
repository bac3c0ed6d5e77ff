import { expect, test } from "vitest";
import { reportLines } from "./report.ts";

const passed = (title: string, count: number) => ({ title, passed: count, failed: 0, skipped: 0 });

test("given suites, the report has a line for each engine, by port, and those that are missing last", () => {
  const suites = [
    passed("TableData over memory", 70),
    passed("ArchiveStore over memory", 30),
    { title: "TableData over dynalite", passed: 67, failed: 1, skipped: 2 },
  ];
  expect(reportLines(suites, ["no endpoint is given"])).toEqual([
    "ArchiveStore  memory: 30 passed",
    "TableData     memory: 70 passed",
    "              dynalite: 67 passed, 1 failed, 2 skipped",
    "not run: no endpoint is given",
  ]);
});

test("given a suite of which no test ran, it says so", () =>
  expect(reportLines([{ title: "Bus over memory", passed: 0, failed: 0, skipped: 9 }], [])).toEqual([
    "Bus  memory: did NOT run",
  ]));

test("given an engine's name with `over` in it, it is whole", () =>
  expect(reportLines([passed("Bus over a tunnel over a wire", 1)], [])).toEqual([
    "Bus  a tunnel over a wire: 1 passed",
  ]));
