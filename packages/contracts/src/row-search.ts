/**
 * The contract suite of the port RowSearch.
 */
import type { NearRow } from "@ferry/core/events/events";
import type { RowSearch, StatusStore } from "@ferry/core/ports";
import type { TaskRow } from "@ferry/core/projection/status";
import { beforeAll, expect, it } from "vitest";
import { type Closable, portSuite } from "./port-suite.ts";
import { emptyRow } from "./samples.ts";

export interface RowSearchSubject extends Closable {
  readonly status: StatusStore;
  readonly search: RowSearch;
}

const KEY = "eu-west-1-searched";
const OTHER_KEY = "eu-west-1-other";

/** Declares the tests of one host of RowSearch. */
export function rowSearchContract(name: string, open: () => Promise<RowSearchSubject>): void {
  portSuite("RowSearch", name, open, (subject) => {
    beforeAll(async () => {
      const write = (key: string, timestamp: number, fields: Partial<TaskRow> = {}) =>
        subject().status.write({ ...emptyRow(key, fields), timestamp }, undefined);
      for (const timestamp of [1, 2, 3, 4, 5, 6]) await write(KEY, timestamp);
      await write(OTHER_KEY, 7, { rejected: true });
      await write(KEY, 8, { action: "restore" });
      await write(OTHER_KEY, 9, { action: "restore", rejected: true });
    });

    const sorted = (rows: readonly NearRow[]) =>
      rows.map(({ action, key, timestamp, state }) => `${action} ${key}@${timestamp} ${state}`).toSorted();
    const backups = (...timestamps: readonly number[]) =>
      timestamps.map((timestamp) => `backup ${KEY}@${timestamp} requested`);

    it("finds the rows of a key on both sides of a timestamp, in each table", async () => {
      expect(sorted(await subject().search.ofKey(KEY, 3, 2))).toEqual([
        ...backups(2, 3, 4, 5),
        `restore ${KEY}@8 requested`,
      ]);
      expect(sorted(await subject().search.ofKey(KEY, 0, 2))).toEqual([
        ...backups(1, 2),
        `restore ${KEY}@8 requested`,
      ]);
      expect(sorted(await subject().search.ofKey(KEY, 100, 2))).toEqual([
        ...backups(5, 6),
        `restore ${KEY}@8 requested`,
      ]);
    });

    it("finds no row of a key that no task has", async () => {
      expect(await subject().search.ofKey(`${KEY}0`, 3, 2)).toEqual([]);
    });

    it("finds the newest rows in a state, in each table", async () => {
      expect(sorted(await subject().search.inState("requested", 3))).toEqual([
        ...backups(4, 5, 6),
        `restore ${KEY}@8 requested`,
      ]);
      expect(sorted(await subject().search.inState("rejected", 3))).toEqual([
        `backup ${OTHER_KEY}@7 rejected`,
        `restore ${OTHER_KEY}@9 rejected`,
      ]);
      expect(await subject().search.inState("running", 3)).toEqual([]);
    });
  });
}
