import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { identify } from "./task.ts";

const event = { id: "e-1", time: "2026-11-23T08:00:00Z" };
const request = {
  action: "backup",
  "table-region": "us-east-1",
  "table-name": "cities",
  "bucket-region": "eu-west-1",
  "bucket-name": "archives",
  "bucket-prefix": "nightly/{date}/",
};

describe("a task's identity", () => {
  test("of a backup is its table and its time", () => {
    const { task } = identify({ request, "request-id": "r-1" }, event);
    expect(task).toMatchObject({ action: "backup", key: "us-east-1-cities", "request-id": "r-1" });
    expect(Math.floor(task!.timestamp / 1000)).toBe(Date.parse(event.time) / 1000);
    expect(task!.id).toBe(`us-east-1-cities@${task!.timestamp}`);
  });

  test("of a restore is its archive, the prefix as it is stored", () => {
    const { task } = identify({ request: { ...request, action: "restore" } }, event);
    expect(task?.key).toBe("eu-west-1-archives-nightly/2026-11-23");
  });

  test("tells two requests of one second apart by their ids, and is the same for a redelivered one", () => {
    const of = (id: string) => identify({ request }, { ...event, id }).task?.timestamp;
    expect(of("e-1")).not.toBe(of("e-2"));
    expect(of("e-1")).toBe(of("e-1"));
  });

  test("takes the message's time from the Pipe, as a number or as the text of one", () => {
    const at = Date.parse("2026-01-02T03:04:05.678Z");
    for (const time of [at, String(at)]) {
      const { requestTimeMs, task } = identify({ request, "request-time": time }, event);
      expect(requestTimeMs).toBe(at);
      expect(Math.floor(task!.timestamp / 1000)).toBe(Math.floor(at / 1000));
    }
  });

  test("takes the time it was due from a schedule, in whose words it comes", () => {
    const detail = { request, "request-time": "2026-01-02T03:04:05Z", "request-id": "nightly" };
    const first = identify(detail, event);
    expect(first.requestTimeMs).toBe(Date.parse("2026-01-02T03:04:05Z"));
    // Delivered again, later: the same task.
    expect(identify(detail, { id: "e-2", time: "2026-01-02T03:09:00Z" })).toEqual(first);
    expect(identify({ ...detail, "request-time": "Tuesday" }, event).requestTimeMs).toBe(
      Date.parse(event.time),
    );
  });

  test("of an action that is neither is told where the backup's would be", () => {
    expect(identify({ request: { ...request, action: "copy" } }, event).task?.action).toBe("backup");
  });

  test("is the event's where the request-id is none that a message group takes", () => {
    expect(identify({ request, "request-id": "a b" }, event).requestId).toBe("e-1");
    expect(identify({ request, "request-id": 7 }, event).requestId).toBe("e-1");
  });

  test("never throws, whatever the detail", () =>
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (detail, inner) => {
        identify(detail, event);
        identify({ request: inner, "request-id": inner, "request-time": inner }, event);
      }),
    ));

  test("is no task where the fields of a key are missing", () => {
    expect(identify({ request: { action: "backup" } }, event).task).toBeUndefined();
  });
});
