/**
 * The contract suite of the port Bus.
 */
import type { FerryEvent } from "@ferry/core/events/events";
import type { Bus } from "@ferry/core/ports";
import { beforeEach, expect, it } from "vitest";
import { type Closable, portSuite } from "./port-suite.ts";
import { failureEvent } from "./samples.ts";

export interface BusSubject extends Closable {
  readonly bus: Bus;
  /** Every event taken since `forget`, in any order. */
  taken(): readonly FerryEvent[];
  forget(): void;
  /** Makes the bus refuse the next `entries` entries. */
  refuseNext(entries: number): void;
}

/** Declares the tests of one host of Bus. */
export function busContract(name: string, open: () => Promise<BusSubject>): void {
  portSuite("Bus", name, open, (subject) => {
    beforeEach(() => {
      subject().forget();
      subject().refuseNext(0);
    });

    const numbered = (count: number, work: unknown = "work") =>
      Array.from({ length: count }, (_, i) => failureEvent(`step ${i}`, work));
    /** Every event arrived unchanged, at least once: after a lost response, an event is put again. */
    const expectAll = (events: readonly FerryEvent[]) => {
      const distinct = new Map(
        subject()
          .taken()
          .map((event) => [JSON.stringify(event), event]),
      );
      const byStep = (event: FerryEvent) => ("step" in event.detail ? event.detail.step : "");
      expect([...distinct.values()].sort((a, b) => byStep(a).localeCompare(byStep(b)))).toEqual(
        events.toSorted((a, b) => byStep(a).localeCompare(byStep(b))),
      );
    };

    it.each([1, 10, 11, 37])("given %i events, all arrive", async (count) => {
      const events = numbered(count);
      await subject().bus.put(events);
      expectAll(events);
    });

    it("given no events, none arrive", async () => {
      await subject().bus.put([]);
      expect(subject().taken()).toEqual([]);
    });

    it("given texts with special characters, they arrive unchanged", async () => {
      const events = numbered(1, {
        'quo"te\\': "\u2028 \u{1f600} é <$.detail> \u0000",
        nested: [[], {}, null, 0.1],
      });
      await subject().bus.put(events);
      expectAll(events);
    });

    it("given an event near the limit of 1 MiB, it arrives", async () => {
      const events = numbered(1, "x".repeat(1_000_000));
      await subject().bus.put(events);
      expectAll(events);
    });

    it("given events that exceed one call together, all arrive", async () => {
      // Each character has two bytes in UTF-8: the length in UTF-16 would fit.
      const events = numbered(6, "é".repeat(150_000));
      await subject().bus.put(events);
      expectAll(events);
    });

    it.each([1, 3, 10])(
      "given a bus that refuses %i entries, they are put again until all arrive",
      async (refusals) => {
        subject().refuseNext(refusals);
        const events = numbered(12);
        await subject().bus.put(events);
        expectAll(events);
      },
    );

    it("given a bus that refuses every entry, the put fails", async () => {
      subject().refuseNext(Number.POSITIVE_INFINITY);
      await expect(subject().bus.put(numbered(2))).rejects.toThrow();
      expect(subject().taken()).toEqual([]);
    });

    it("given an event above 1 MiB, the put fails", async () => {
      await expect(subject().bus.put(numbered(1, "x".repeat(1024 * 1024)))).rejects.toThrow();
      expect(subject().taken()).toEqual([]);
    });
  });
}
