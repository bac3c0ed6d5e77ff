import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { FerryEvent } from "@ferry/core/events/events";
import { afterEach, describe, expect, it } from "vitest";
import { eventBus } from "./bus.ts";
import { credentials, type Stub, type StubAnswer, startStub } from "./testing/stub-server.ts";

interface Entry {
  readonly Detail: string;
  readonly DetailType: string;
  readonly Source: string;
  readonly EventBusName: string;
}

function event(step: string, work: unknown = "work"): FerryEvent {
  const detail = {
    version: 1,
    cause: "no-such-table",
    step,
    work,
    "event-id": "e",
    time: "2026-11-01T02:00:00Z",
  } as const;
  return { type: "SegmentFailed", detail };
}
const numbered = (count: number, work?: unknown) =>
  Array.from({ length: count }, (_, i) => event(`step-${i}`, work));

describe("a bus on EventBridge", () => {
  let stub: Stub;
  let taken: Entry[];
  afterEach(() => stub.close());

  /** `refuse` returns the error code of an entry of call `n`, or undefined if the entry is taken. */
  async function busThat(
    refuse: (entry: Entry, n: number, i: number) => string | undefined = () => undefined,
  ) {
    taken = [];
    stub = await startStub(({ body }, n): StubAnswer => {
      const { Entries } = JSON.parse(body.toString()) as { Entries: Entry[] };
      const results = Entries.map((entry, i) => {
        const ErrorCode = refuse(entry, n, i);
        if (ErrorCode !== undefined) return { ErrorCode, ErrorMessage: `not ${entry.DetailType}` };
        taken.push(entry);
        return { EventId: `${n}-${i}` };
      });
      return {
        body: JSON.stringify({
          Entries: results,
          FailedEntryCount: results.filter((r) => r.ErrorCode).length,
        }),
      };
    });
    const client = new EventBridgeClient({
      endpoint: stub.endpoint,
      region: "eu-west-1",
      credentials,
      maxAttempts: 1,
    });
    return eventBus(client, "ferry-test");
  }
  const steps = () => taken.map(({ Detail }) => JSON.parse(Detail).step as string);
  const calls = () =>
    stub.requests.map(({ body }) => (JSON.parse(body.toString()) as { Entries: Entry[] }).Entries);

  it("given a throttled call, its entries are put again", async () => {
    stub = await startStub((_, n): StubAnswer => {
      if (n < 2)
        return { status: 400, body: JSON.stringify({ __type: "ThrottlingException", message: "slow" }) };
      return { body: JSON.stringify({ Entries: [{ EventId: "1" }], FailedEntryCount: 0 }) };
    });
    const client = new EventBridgeClient({
      endpoint: stub.endpoint,
      region: "eu-west-1",
      credentials,
      maxAttempts: 1,
    });
    await eventBus(client, "ferry-test").put([event("a")]);
    expect(stub.requests).toHaveLength(3);
  });

  it("given an event, its entry has the bus, source, type and detail", async () => {
    const bus = await busThat();
    await bus.put([event("a", { 'quo"te': "é\u2028" })]);
    expect(taken).toEqual([
      {
        EventBusName: "ferry-test",
        Source: "ferry",
        DetailType: "SegmentFailed",
        Detail: JSON.stringify(event("a", { 'quo"te': "é\u2028" }).detail),
      },
    ]);
  });

  it("given no events, no call is made", async () => {
    const bus = await busThat();
    await bus.put([]);
    expect(stub.requests).toEqual([]);
  });

  it("given 25 events, each call has at most 10, in order", async () => {
    const bus = await busThat();
    await bus.put(numbered(25));
    expect(calls().map((entries) => entries.length)).toEqual([10, 10, 5]);
    expect(steps()).toEqual(numbered(25).map(({ detail }) => (detail as { step: string }).step));
  });

  it("given large events, no call has more than 1 MiB of UTF-8", async () => {
    const bus = await busThat();
    await bus.put(numbered(6, "é".repeat(150_000)));
    expect(steps()).toHaveLength(6);
    for (const entries of calls()) {
      const bytes = entries.reduce(
        (sum, { Detail, DetailType, Source }) => sum + Buffer.byteLength(Detail + DetailType + Source),
        0,
      );
      expect(bytes).toBeLessThan(1024 * 1024);
    }
    expect(calls().map((entries) => entries.length)).toEqual([3, 3]);
  });

  it("given refused entries, only those are put again", async () => {
    const bus = await busThat((entry, n) =>
      n === 0 && /step-[257]"/.test(entry.Detail) ? "ThrottlingException" : undefined,
    );
    await bus.put(numbered(10));
    expect(calls().map((entries) => entries.length)).toEqual([10, 3]);
    expect(steps().sort()).toEqual(
      numbered(10)
        .map((_, i) => `step-${i}`)
        .sort(),
    );
  });

  it("given an entry that is always refused, the put fails with its error code", async () => {
    const bus = await busThat((entry) => (entry.Detail.includes("step-1") ? "InternalFailure" : undefined));
    await expect(bus.put(numbered(3))).rejects.toMatchObject({
      kind: "transient",
      code: "entries-refused",
      operation: "PutEvents",
      resource: "bus ferry-test",
      message: expect.stringContaining("InternalFailure: not SegmentFailed"),
    });
    expect(steps()).toEqual(["step-0", "step-2"]);
    expect(calls().length).toBeGreaterThan(3);
    expect(
      calls()
        .slice(1)
        .every((entries) => entries.length === 1),
    ).toBe(true);
  }, 60_000);

  it("given an event above the size limit, nothing is put", async () => {
    const bus = await busThat();
    await expect(bus.put([event("a"), event("b", "é".repeat(524_288))])).rejects.toMatchObject({
      kind: "permanent",
      code: "event-too-large",
    });
    expect(stub.requests).toEqual([]);
  });

  it("given a missing permission, the hint names it", async () => {
    stub = await startStub(() => ({
      status: 400,
      body: '{"__type":"AccessDeniedException","Message":"no"}',
    }));
    const client = new EventBridgeClient({
      endpoint: stub.endpoint,
      region: "eu-west-1",
      credentials,
      maxAttempts: 1,
    });
    await expect(eventBus(client, "ferry-test").put([event("a")])).rejects.toMatchObject({
      kind: "permanent",
      hint: expect.stringContaining("events:PutEvents"),
    });
  });

  describe("on a client with canned answers", () => {
    const sizeOf = (entry: Entry) => Buffer.byteLength(entry.Source + entry.DetailType + entry.Detail);
    /** An event whose entry has this many bytes. */
    const eventOf = (bytes: number) => {
      const [empty] = [event("a", "")];
      const base = "ferry".length + empty!.type.length + JSON.stringify(empty!.detail).length;
      return event("a", "x".repeat(bytes - base));
    };
    const LIMIT_BYTES = 1024 * 1024 - 8 * 1024;

    /** A bus whose call `n` is answered by `answer`. */
    function cannedBus(answer: (entries: readonly Entry[], n: number) => object) {
      const sent: Entry[][] = [];
      const waits: number[] = [];
      const client = {
        async send({ input }: { input: { Entries: Entry[] } }) {
          sent.push(input.Entries);
          return answer(input.Entries, sent.length - 1);
        },
      };
      const wait = async (msMax: number) => void waits.push(msMax);
      return { bus: eventBus(client as never, "ferry-test", wait), sent, waits };
    }
    const all = (entries: readonly Entry[]) => ({ Entries: entries.map(() => ({ EventId: "e" })) });

    it("an answer without FailedEntryCount means that every entry was taken", async () => {
      const { bus, sent, waits } = cannedBus(() => ({}));
      await bus.put(numbered(3));
      expect(sent).toHaveLength(1);
      expect(waits).toEqual([]);
    });

    it("entries are sent without their size", async () => {
      const { bus, sent } = cannedBus(all);
      await bus.put([event("a")]);
      expect(Object.keys(sent[0]![0]!).sort()).toEqual(["Detail", "DetailType", "EventBusName", "Source"]);
    });

    it("exactly ten events are one call, and eleven are two", async () => {
      const ten = cannedBus(all);
      await ten.bus.put(numbered(10));
      expect(ten.sent.map((entries) => entries.length)).toEqual([10]);
      const eleven = cannedBus(all);
      await eleven.bus.put(numbered(11));
      expect(eleven.sent.map((entries) => entries.length)).toEqual([10, 1]);
    });

    it("an event of exactly the limit is put, and one of a byte more is refused", async () => {
      const { bus, sent } = cannedBus(all);
      await bus.put([eventOf(LIMIT_BYTES)]);
      expect(sizeOf(sent[0]![0]!)).toBe(LIMIT_BYTES);
      await expect(bus.put([eventOf(LIMIT_BYTES + 1)])).rejects.toMatchObject({
        code: "event-too-large",
        operation: "PutEvents",
        resource: "event SegmentFailed",
        message: expect.stringContaining(`${LIMIT_BYTES + 1} bytes; the limit is ${LIMIT_BYTES}`),
      });
      expect(sent).toHaveLength(1);
    });

    it("events that fill a call exactly are one call, and the count begins anew with each call", async () => {
      const { bus, sent } = cannedBus(all);
      const half = LIMIT_BYTES / 2;
      await bus.put([eventOf(half), eventOf(half), eventOf(half), eventOf(half + 1), eventOf(1000)]);
      expect(sent.map((entries) => entries.map(sizeOf))).toEqual([[half, half], [half], [half + 1, 1000]]);
    });

    it("refused entries are put again after waits that double, seven times in all", async () => {
      const { bus, sent, waits } = cannedBus((entries) => ({
        FailedEntryCount: entries.length,
        Entries: entries.map(() => ({ ErrorCode: "Throttled", ErrorMessage: "slow" })),
      }));
      await expect(bus.put(numbered(2))).rejects.toMatchObject({
        code: "entries-refused",
        message: "EventBridge refused 2 entries 7 times: Throttled: slow.",
      });
      expect(sent.map((entries) => entries.length)).toEqual([2, 2, 2, 2, 2, 2, 2]);
      expect(waits).toEqual([100, 200, 400, 800, 1600, 3200]);
    });

    it("an entry that is taken in the last round is not an error", async () => {
      const { bus, sent } = cannedBus((entries, n) =>
        n < 6 ? { FailedEntryCount: 1, Entries: [{ ErrorCode: "c" }] } : all(entries),
      );
      await bus.put([event("a")]);
      expect(sent).toHaveLength(7);
    });

    it("an answer that lacks entries, codes or messages counts as refused, and each reason is listed once", async () => {
      const { bus } = cannedBus((_, n) => {
        if (n < 6) return { FailedEntryCount: 3 };
        return { FailedEntryCount: 3, Entries: [{ ErrorCode: "a", ErrorMessage: "m" }, { ErrorCode: "b" }] };
      });
      await expect(bus.put(numbered(3))).rejects.toMatchObject({
        message: "EventBridge refused 3 entries 7 times: a: m; b: ; no ErrorCode: .",
      });
    });

    it("a call that is throttled in every round fails with the throttling as the reason", async () => {
      const { bus, sent } = cannedBus(() => {
        throw Object.assign(new Error("slow"), { name: "ThrottlingException" });
      });
      await expect(bus.put(numbered(2))).rejects.toMatchObject({
        kind: "transient",
        code: "entries-refused",
        message: expect.stringMatching(/^EventBridge refused 2 entries 7 times: throttled: .*slow/),
      });
      expect(sent).toHaveLength(7);
    });

    it("any other error of a call is thrown at once", async () => {
      const { bus, sent } = cannedBus(() => {
        throw Object.assign(new Error("broken"), { name: "InternalException" });
      });
      await expect(bus.put([event("a")])).rejects.toMatchObject({
        kind: "transient",
        code: "service-error",
        resource: "bus ferry-test",
      });
      expect(sent).toHaveLength(1);
    });
  });
});
