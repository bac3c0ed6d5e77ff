import type { TableLease } from "@ferry/core/ports";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorkerTable, type TestWorkerTable } from "../testing/worker-table.ts";
import { tableLeases } from "./table-leases.ts";

const ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders";
const lease = (name: string) => ({ holders: [{ task: name }] }) as unknown as TableLease;
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
});
