import type { TableLease } from "@ferry/core/restore/lease-schema";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorkerTable, type TestWorkerTable } from "../testing/worker-table.ts";
import { tableLeases } from "./table-leases.ts";

const ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders";
const lease = (name: string): TableLease => ({
  holders: [
    {
      attempt: 1,
      task: { id: name, action: "restore", key: "orders", timestamp: 1, "request-id": name },
      exclusive: true,
      "deadline-ms": 2,
      takes: 1,
    },
  ],
});
let table: TestWorkerTable;
beforeAll(async () => {
  table = await startWorkerTable();
});
afterAll(() => table.close());

describe("a table's lease in the worker table", () => {
  it("is absent, and is then the one that was written", async () => {
    const leases = tableLeases(table.update);
    expect(await leases.read(ARN)).toBeUndefined();
    expect(await leases.replace(ARN, undefined, lease("a"))).toBe(true);
    expect(await leases.read(ARN)).toEqual(lease("a"));
    // It does not expire.
    expect(await table.read(`table ${ARN}`)).toEqual({ lease: JSON.stringify(lease("a")) });
  });

  it("is replaced only by a writer that read the present one", async () => {
    const leases = tableLeases(table.update);
    const arn = `${ARN}-2`;
    expect(await leases.replace(arn, lease("a"), lease("b"))).toBe(false);
    expect(await leases.read(arn)).toBeUndefined();
    expect(await leases.replace(arn, undefined, lease("a"))).toBe(true);
    expect(await leases.replace(arn, undefined, lease("b"))).toBe(false);
    expect(await leases.replace(arn, lease("c"), lease("b"))).toBe(false);
    expect(await leases.read(arn)).toEqual(lease("a"));
    expect(await leases.replace(arn, lease("a"), lease("b"))).toBe(true);
    expect(await leases.read(arn)).toEqual(lease("b"));
    expect(await leases.read(`${ARN}-3`)).toBeUndefined();
  });

  it("keeps the fields that a newer version wrote, and their order", async () => {
    const leases = tableLeases(table.update);
    const arn = `${ARN}-4`;
    const newer = { since: "0.9.0", ...lease("a") };
    await leases.replace(arn, undefined, newer);
    const read = await leases.read(arn);
    expect(JSON.stringify(read)).toBe(JSON.stringify(newer));
    expect(await leases.replace(arn, read, lease("b"))).toBe(true);
  });

  it.each([
    ["{", "lease is not JSON: "],
    ["[]", "lease.holders is required but missing"],
    ['{"holders":[{"attempt":"one"}]}', 'lease.holders.0.attempt must be number: got "one"'],
  ])("that is %s is refused with the item and the field", async (text, message) => {
    const arn = `${ARN}-damaged-${text.length}`;
    await table.update(`table ${arn}`, {
      set: "SET #l = :l",
      names: { "#l": "lease" },
      values: { ":l": text },
    });
    await expect(tableLeases(table.update).read(arn)).rejects.toMatchObject({
      kind: "transient",
      code: "malformed-row",
      resource: `item table ${arn} of the worker table`,
      message: expect.stringContaining(message),
    });
  });
});
