import { itemOfRow } from "@ferry/aws/status/status-item";
import { newTaskRow } from "@ferry/core/projection/status";
import { expect, test } from "vitest";
import { statusOfItem } from "./task-status.ts";

const task = {
  action: "backup",
  key: "us-east-1-orders",
  timestamp: 17,
  id: "t",
  "request-id": "r",
} as const;
const row = newTaskRow(task, "2026-11-01T02:00:00Z");

test("a row is shown with what the request says, also if it is of another type", () => {
  expect(
    statusOfItem(itemOfRow({ ...row, request: { "table-name": 7, "bucket-name": "archives" } })),
  ).toEqual({
    id: "t",
    requestId: "r",
    action: "backup",
    key: "us-east-1-orders",
    timestamp: 17,
    state: "requested",
    attempt: 1,
    table: { region: "", name: "7" },
    archive: { region: "", bucket: "archives", prefix: "" },
    segments: { total: 0, completed: 0, failed: 0 },
    items: 0,
    bytes: 0,
    files: 0,
    reasons: [],
    notes: [],
    updatedTime: "2026-11-01T02:00:00Z",
  });
});

test("a row that an operator edited is refused, with the attribute's name", () => {
  const edited = { ...itemOfRow(row), state: { S: "paused" } };
  expect(() => statusOfItem(edited)).toThrow(
    expect.objectContaining({
      code: "malformed-row",
      resource: "row us-east-1-orders@17",
      message: expect.stringContaining("row.state must be "),
    }),
  );
});
