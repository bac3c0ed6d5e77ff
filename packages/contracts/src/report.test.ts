import { expect, test } from "vitest";
import { reportLines } from "./report.ts";

const passed = (title: string, count: number) => ({ title, passed: count, failed: 0, skipped: 0 });

test("given suites, the report has a line per engine, grouped by port, then the engines that did not run", () => {
  const suites = [
    passed("TableData over memory", 70),
    passed("ArchiveStore over memory", 30),
    { title: "TableData over dynalite", passed: 67, failed: 1, skipped: 2 },
  ];
  expect(reportLines(suites, ["the endpoint is not set"])).toEqual([
    "ArchiveStore  memory: 30 passed",
    "TableData     memory: 70 passed",
    "              dynalite: 67 passed, 1 failed, 2 skipped",
    "not run: the endpoint is not set",
  ]);
});

test("given a suite without a test that ran, its line says that it did not run", () =>
  expect(reportLines([{ title: "Bus over memory", passed: 0, failed: 0, skipped: 9 }], [])).toEqual([
    "Bus  memory: did NOT run",
  ]));

test("given an engine's name that contains `over`, the line has the whole name", () =>
  expect(reportLines([passed("Bus over a tunnel over a wire", 1)], [])).toEqual([
    "Bus  a tunnel over a wire: 1 passed",
  ]));
