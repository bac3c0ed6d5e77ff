import { expect, test } from "vitest";
import type { StreamRecord } from "../engines/streams.ts";
import { createStreamPipe } from "./stream-pipe.ts";

const record = (key: string, text: string): StreamRecord => ({
  eventID: "1",
  eventName: "MODIFY",
  eventVersion: "1.1",
  eventSource: "aws:dynamodb",
  awsRegion: "us-east-1",
  dynamodb: {
    ApproximateCreationDateTime: 0,
    Keys: { key: { S: key } },
    NewImage: { text: { S: text } },
    SequenceNumber: "1",
    StreamViewType: "NEW_AND_OLD_IMAGES",
  },
});

/** A Pipe to a bus that refuses the first puts of a text; `refusals` has their number by text. */
function given(refusals: Readonly<Record<string, number>> = {}) {
  const put: string[] = [];
  const log: string[] = [];
  const left = new Map(Object.entries(refusals));
  const pipe = createStreamPipe({
    name: "announce",
    spec: {
      from: { table: "backup-table" },
      detailType: "Changed",
      types: ["Changed"],
      inputTemplate: '{"text":"<$.dynamodb.NewImage.text.S>"}',
      filters: [{ dynamodb: { NewImage: { text: { S: [{ prefix: "a" }] } } } }],
    },
    log: (line) => log.push(line),
    bus: {
      name: "b",
      region: "us-east-1",
      put: (_, input) => {
        const [entry] = (input as { Entries: { Detail: string }[] }).Entries;
        const { text } = JSON.parse(entry!.Detail);
        const again = left.get(text) ?? 0;
        left.set(text, again - 1);
        if (again > 0)
          return {
            FailedEntryCount: 1,
            Entries: [{ ErrorCode: "ThrottlingException", ErrorMessage: "later" }],
          };
        put.push(text);
        return { FailedEntryCount: 0, Entries: [{ EventId: "e" }] };
      },
    },
  });
  return { pipe, put, log };
}

test("only a record that a filter matches is put", async () => {
  const { pipe, put } = given();
  pipe(record("k", "b1"));
  pipe(record("k", "a1"));
  await expect.poll(() => put).toEqual(["a1"]);
});

test("the changes of one key stay in order during retries; other keys do not wait", async () => {
  const { pipe, put, log } = given({ a1: 2 });
  pipe(record("k", "a1"));
  pipe(record("k", "a2"));
  pipe(record("other", "a3"));
  await expect.poll(() => put).toEqual(["a3", "a1", "a2"]);
  expect(log).toEqual([]);
});

test("a change that cannot be put is dropped and logged; the next one is put", async () => {
  const { pipe, put, log } = given({ a1: 1000 });
  pipe(record("k", "a1"));
  pipe(record("k", "a2"));
  await expect.poll(() => put).toEqual(["a2"]);
  expect(log).toHaveLength(1);
  expect(log[0]).toContain("ThrottlingException");
});
