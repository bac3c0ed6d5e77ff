import { destination, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { Plan } from "../events/events.ts";
import { refuseReplaced, tableOf } from "./table-identity.ts";

const planFor = (id: string | undefined, action = "restore") =>
  ({
    request: { action, "table-region": destination.region, "table-name": destination.name },
    table: { arn: "arn", keys: ["id"], ...(id !== undefined && { id }) },
  }) as unknown as Plan;
const identified = (id: string | undefined) => {
  const ports = world();
  return { tables: { ...ports.tables, identify: async () => id } };
};

test("a plan's table is the one that its request names", () => {
  expect(tableOf(planFor("id-1"))).toEqual(destination);
});

describe("a table", () => {
  test.each([
    ["has the planned id", "id-1", "id-1"],
    ["has no id", "id-1", undefined],
    ["has an id but the plan has none", undefined, "id-2"],
  ])("that %s is accepted", async (_, planned, found) => {
    await refuseReplaced(planFor(planned), identified(found));
  });

  test.each(["backup", "restore"])("with another id than in a %s's plan is refused", async (action) => {
    await expect(refuseReplaced(planFor("id-1", action), identified("id-2"))).rejects.toMatchObject({
      kind: "permanent",
      code: "table-replaced",
      operation: `${action} table`,
      resource: "table copies in eu-west-1",
      message: expect.stringContaining("with id id-1, but the present table has id id-2."),
    });
  });

  test("is not identified if the plan has no id", async () => {
    const { tables } = world();
    const identify = () => Promise.reject(new Error("identified"));
    await refuseReplaced(planFor(undefined), { tables: { ...tables, identify } });
  });
});
