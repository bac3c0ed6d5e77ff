/**
 * The contract suite of the port TableAdmin.
 */

import type { LateSetting, TableAdmin, TableData, TableDefinition } from "@ferry/core/ports";
import type { TableAddress } from "@ferry/core/request/addresses";
import { expectPermanent } from "@ferry/core/testing/refused";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

export interface TableAdminSubject {
  readonly admin: TableAdmin;
  readonly tables: Pick<TableData, "describe" | "settings">;
  readonly region: string;
  /** Separates the names of tables from those of other runs. */
  readonly prefix: string;
  /** Passes the time that an engine needs to create a table. */
  pass(): Promise<void>;
  close?(tables: readonly TableAddress[]): Promise<void>;
}

const definition: TableDefinition = {
  KeySchema: [
    { AttributeName: "id", KeyType: "HASH" },
    { AttributeName: "sort", KeyType: "RANGE" },
  ],
  AttributeDefinitions: [
    { AttributeName: "id", AttributeType: "S" },
    { AttributeName: "sort", AttributeType: "N" },
    { AttributeName: "other", AttributeType: "B" },
  ],
  LocalSecondaryIndexes: [
    {
      IndexName: "by-other",
      KeySchema: [
        { AttributeName: "id", KeyType: "HASH" },
        { AttributeName: "other", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "of-other",
      KeySchema: [{ AttributeName: "other", KeyType: "HASH" }],
      Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["a", "b"] },
      ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 4 },
    },
  ],
  BillingMode: "PROVISIONED",
  ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 6 },
};

/** Declares the tests of one host of TableAdmin. */
export function tableAdminContract(name: string, makeSubject: () => Promise<TableAdminSubject>): void {
  describe(`TableAdmin over ${name}`, () => {
    let subject: TableAdminSubject;
    const made: TableAddress[] = [];
    const fresh = (): TableAddress => {
      const table = { region: subject.region, name: `${subject.prefix}created-${made.length + 1}` };
      made.push(table);
      return table;
    };
    const active = async (table: TableAddress) => {
      for (let tries = 0; tries < 1000; tries++) {
        const described = await subject.tables.describe(table);
        if (described.status === "ACTIVE") return described;
        await subject.pass();
      }
      throw new Error(`${table.name} does not become ACTIVE`);
    };
    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterAll(async () => subject?.close?.(made));

    it("creates a table as defined, which is CREATING and then ACTIVE", async () => {
      const table = fresh();
      const created = await subject.admin.create(table, definition, "r-1/1-a");
      expect(created).toMatchObject({
        status: "CREATING",
        keys: ["id", "sort"],
        keyTypes: { id: "S", sort: "N" },
        indexCount: 2,
        provisioned: { readUnits: 5, writeUnits: 6 },
        itemCount: 0,
      });
      const described = await active(table);
      expect({ ...described, status: "CREATING" }).toEqual(created);
      const { Table } = (await subject.tables.settings(table)) as { Table: object };
      expect(Table).toMatchObject({ KeySchema: definition["KeySchema"] });
    });

    it("has the owner of a table from its creation", async () => {
      const table = fresh();
      const { arn } = (await subject.admin.create(table, definition, "r-2_a.b:c-d/1793498400123-0af"))!;
      expect(await subject.admin.owner(table, arn)).toBe("r-2_a.b:c-d/1793498400123-0af");
      await active(table);
      expect(await subject.admin.owner(table, arn)).toBe("r-2_a.b:c-d/1793498400123-0af");
    });

    it("given a table of that name, creates none and keeps its owner", async () => {
      const table = fresh();
      const { arn } = (await subject.admin.create(table, definition, "r-3/1-a"))!;
      expect(await subject.admin.create(table, definition, "r-4/1-a")).toBeUndefined();
      await active(table);
      expect(await subject.admin.create(table, definition, "r-4/1-a")).toBeUndefined();
      expect(await subject.admin.owner(table, arn)).toBe("r-3/1-a");
    });

    it("creates one table for concurrent calls", async () => {
      const table = fresh();
      const made = await Promise.all(
        ["r-5/1-a", "r-6/1-a"].map((owner) => subject.admin.create(table, definition, owner)),
      );
      expect(made.filter((one) => one !== undefined)).toHaveLength(1);
    });

    describe("given a table that it created", () => {
      const settings: readonly LateSetting[] = [
        { name: "stream", viewType: "NEW_AND_OLD_IMAGES" },
        { name: "time-to-live", attribute: "expires" },
        { name: "point-in-time-recovery", days: 7 },
        { name: "tags", tags: { team: "data", empty: "" } },
        { name: "resource-policy", policy: '{"Version":"2012-10-17","Statement":[]}' },
      ];
      let table: TableAddress;
      let arn: string;
      beforeAll(async () => {
        table = fresh();
        ({ arn } = (await subject.admin.create(table, definition, "r-8/1-a"))!);
        await active(table);
      });

      it.each(settings)("applies $name, and once more without an error", async (setting) => {
        for (let time = 0; time < 2; time++) {
          let outcome = await subject.admin.apply(table, arn, setting);
          for (let tries = 0; outcome === "pending" && tries < 100; tries++) {
            await subject.pass();
            outcome = await subject.admin.apply(table, arn, setting);
          }
          expect(outcome).toBe("applied");
        }
      });

      it("has no owner after its tags were applied", async () => {
        await subject.admin.apply(table, arn, { name: "tags", tags: {} });
        expect(await subject.admin.owner(table, arn)).toBeUndefined();
      });
    });

    it("refuses a definition whose key has no type", async () => {
      const table = fresh();
      await expectPermanent(
        subject.admin.create(table, { ...definition, AttributeDefinitions: [] }, "r-7/1-a"),
        { code: "invalid-request", resource: table.name },
      );
      made.pop();
    });
  });
}
