/**
 * The contract suite of the port TableLeases.
 */
import type { TableLeases } from "@ferry/core/ports";
import type { TableLease } from "@ferry/core/restore/lease-schema";
import { someTask } from "@ferry/memory/testing/tasks";
import { beforeAll, expect, it } from "vitest";
import { type Closable, portSuite } from "./port-suite.ts";

export interface TableLeasesSubject extends Closable {
  readonly leases: TableLeases;
}

const NOW_MS = 1_793_498_400_000;
let tables = 0;

const freshArn = () => `arn:aws:dynamodb:eu-west-1:123456789012:table/leased-${++tables}`;
const leaseOf = (...requestIds: readonly string[]): TableLease => ({
  holders: requestIds.map((requestId) => ({
    task: someTask('eu-west-1-archives-a \u00e9 "quoted"', "restore", requestId),
    attempt: 1,
    exclusive: true,
    "deadline-ms": NOW_MS + 1000,
    takes: 1,
  })),
});
const windowed: TableLease = {
  holders: [],
  window: {
    from: "2026-11-01T02:00:00.000Z",
    to: "2026-11-01T03:00:00.000Z",
    task: "a task",
    "table-id": "an id",
    complete: true,
  },
};

/** Declares the tests of one host of TableLeases. */
export function tableLeasesContract(name: string, open: () => Promise<TableLeasesSubject>): void {
  portSuite("TableLeases", name, open, (subject) => {
    let leases: TableLeases;
    beforeAll(async () => {
      leases = subject().leases;
    });

    it("given a table without a lease, every read returns undefined", async () => {
      const arn = freshArn();
      expect(await leases.read(arn)).toBeUndefined();
      expect(await leases.read(arn)).toBeUndefined();
    });

    it("each table's lease is read as it was written", async () => {
      const [one, other] = [freshArn(), freshArn()];
      expect(await leases.replace(one, undefined, leaseOf("a", "b"))).toBe(true);
      expect(await leases.replace(other, undefined, windowed)).toBe(true);
      expect(await leases.read(one)).toEqual(leaseOf("a", "b"));
      expect(await leases.read(other)).toEqual(windowed);
    });

    it("a lease is replaced once per read value", async () => {
      const arn = freshArn();
      await leases.replace(arn, undefined, leaseOf("a"));
      const read = await leases.read(arn);
      expect(await leases.replace(arn, read, windowed)).toBe(true);
      expect(await leases.replace(arn, read, leaseOf("b"))).toBe(false);
      expect(await leases.replace(arn, undefined, leaseOf("b"))).toBe(false);
      expect(await leases.read(arn)).toEqual(windowed);
    });

    it("a missing lease cannot be replaced by a read value", async () => {
      const arn = freshArn();
      expect(await leases.replace(arn, leaseOf("a"), leaseOf("b"))).toBe(false);
      expect(await leases.read(arn)).toBeUndefined();
    });

    it.each([undefined, leaseOf("first")])(
      "of concurrent replacements of %j, exactly one succeeds",
      async (first) => {
        const arn = freshArn();
        if (first !== undefined) await leases.replace(arn, undefined, first);
        const read = await leases.read(arn);
        const answers = await Promise.all(
          Array.from({ length: 10 }, (_, n) => leases.replace(arn, read, leaseOf(`r-${n}`))),
        );
        expect(answers.filter(Boolean)).toHaveLength(1);
        expect(await leases.read(arn)).toEqual(leaseOf(`r-${answers.indexOf(true)}`));
      },
    );
  });
}
