import { styleText } from "node:util";
import { expect, test } from "vitest";
import { columns } from "./table.ts";

const head = ["state", "items", "archive", "id"];
const rows = [
  ["running", "5,000", "s3://archives/orders", "us-east-1-orders@1795399200123"],
  ["failed", "7", "s3://archives/cities", ""],
];

test.each([undefined, 200])("a table that fits %s columns has a line for each row", (width) => {
  expect(columns(head, rows, ["items"], { width, below: ["archive", "id"] }).split("\n")).toEqual([
    "state    items  archive               id",
    "running  5,000  s3://archives/orders  us-east-1-orders@1795399200123",
    "failed       7  s3://archives/cities",
  ]);
});

test("in a narrower terminal the named columns are below the others, without empty lines", () => {
  expect(columns(head, rows, ["items"], { width: 60, below: ["archive", "id"] }).split("\n")).toEqual([
    "state    items",
    "  archive",
    "  id",
    "running  5,000",
    "  s3://archives/orders",
    "  us-east-1-orders@1795399200123",
    "failed       7",
    "  s3://archives/cities",
  ]);
});

test("colours do not count", () => {
  const coloured = [[styleText("green", "ok", { validateStream: false }), "a b"]];
  expect(columns([], coloured, [], { width: 7, below: [] })).toContain("ok");
  expect(columns(["x", "y"], coloured, [], { width: 7, below: ["y"] }).split("\n")).toHaveLength(2);
});
