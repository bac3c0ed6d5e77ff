import { expect, test } from "vitest";
import { meantType } from "./meant-type.ts";

test.each([
  ["taskrequested", "TaskRequested"],
  ["Task Requested", "TaskRequested"],
  ["task_cancel_requested", "TaskCancelRequested"],
  ["TaskRequested", undefined],
  ["TaskAccepted", undefined],
  ["OrderPlaced", undefined],
])("the type that %s was meant to be is %s", (type, meant) => expect(meantType(type)).toBe(meant));
