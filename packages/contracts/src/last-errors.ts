/**
 * The contract suite of the port LastErrors.
 */
import type { LastErrors } from "@ferry/core/ports";
import { expect, it } from "vitest";
import { type Closable, portSuite } from "./port-suite.ts";

export interface LastErrorsSubject extends Closable {
  readonly lastErrors: LastErrors;
}

const errorOf = (message: string) => ({ operation: "Scan", resource: "table t", message, hint: "Wait." });
let events = 0;

/** Declares the tests of one host of LastErrors. */
export function lastErrorsContract(name: string, open: () => Promise<LastErrorsSubject>): void {
  portSuite("LastErrors", name, open, (subject) => {
    const fresh = () => `event-${++events}`;

    it("given two errors of an event, the last one is read", async () => {
      const id = fresh();
      await subject().lastErrors.record(id, errorOf("The first."));
      await subject().lastErrors.record(id, errorOf("The second."));
      expect(await subject().lastErrors.read(id)).toEqual(errorOf("The second."));
    });

    it("given no error of an event, none is read, although others have one", async () => {
      await subject().lastErrors.record(fresh(), errorOf("Another."));
      expect(await subject().lastErrors.read(fresh())).toBeUndefined();
    });

    it("an error that was read stays the last one", async () => {
      const id = fresh();
      await subject().lastErrors.record(id, errorOf("The first."));
      expect(await subject().lastErrors.read(id)).toEqual(errorOf("The first."));
      await subject().lastErrors.record(id, errorOf("The second."));
      expect(await subject().lastErrors.read(id)).toEqual(errorOf("The first."));
    });

    it("an event that was read without an error has none later", async () => {
      const id = fresh();
      expect(await subject().lastErrors.read(id)).toBeUndefined();
      await subject().lastErrors.record(id, errorOf("Late."));
      expect(await subject().lastErrors.read(id)).toBeUndefined();
    });
  });
}
