import { afterEach, describe, expect, test, vi } from "vitest";
import type { Stage } from "../stage/stage.ts";
import { openEventFeed } from "./event-feed.ts";
import { isLeftover, patternOf } from "./feed-resources.ts";

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: Readonly<Record<string, unknown>>;
}
type Answers = Readonly<Record<string, (input: Command["input"]) => object>>;

const failure = (name: string) => Object.assign(new Error("no"), { name });
const IN_USE = (timeMs: number) =>
  `Temporary rule of \`ferry events\`, with a queue of its name. In use until ${new Date(timeMs).toISOString()}.`;

/** A message with an event of these fields. */
const bodyOf = (fields: object) =>
  JSON.stringify({ time: "2026-11-01T02:00:00Z", source: "s", detail: {}, ...fields });

/** A bus with one rule, whose queue receives the probe, then the given messages: fields of events, or texts. */
function stageWith(answers: Answers = {}, messages: (object | string)[] = []) {
  const sent: Command[] = [];
  const waiting: (object | string)[][] = [];
  const usual: Answers = {
    ListRules: () => ({ Rules: [] }),
    PutRule: ({ Name }) => ({ RuleArn: `arn:aws:events:eu-west-1:111122223333:rule/ferry-beta/${Name}` }),
    CreateQueue: ({ QueueName }) => ({ QueueUrl: `url/${QueueName}` }),
    PutTargets: () => ({ FailedEntryCount: 0 }),
    PutEvents({ Entries }) {
      const [entry] = Entries as { DetailType: string; Detail: string }[];
      waiting.push([{ id: "probe", "detail-type": entry!.DetailType }, ...messages.splice(0)]);
      return { FailedEntryCount: 0, Entries: [{ EventId: "probe" }] };
    },
    ReceiveMessage: () => ({
      Messages: (waiting.shift() ?? messages.splice(0)).map((event) => ({
        Body: typeof event === "string" ? event : bodyOf(event),
        Attributes: { MessageGroupId: "g" },
        ReceiptHandle: "r",
      })),
    }),
    DeleteMessageBatch: () => ({}),
    RemoveTargets: () => ({ FailedEntryCount: 0 }),
    GetQueueUrl: ({ QueueName }) => ({ QueueUrl: `url/${QueueName}` }),
    DeleteQueue: () => ({}),
    DeleteRule: () => ({}),
  };
  const client = {
    send: async (sending: unknown) => {
      const command = sending as Command;
      sent.push(command);
      const name = command.constructor.name.replace(/Command$/, "");
      return (answers[name] ?? usual[name]!)(command.input);
    },
  };
  const stage = {
    name: "beta",
    region: "eu-west-1",
    bus: "ferry-beta",
    access: { events: () => client, client: () => client },
  } as unknown as Stage;
  const nameOf = (command: Command) => command.constructor.name.replace(/Command$/, "");
  const names = () => sent.map(nameOf);
  const inputs = (name: string) =>
    sent.filter((command) => nameOf(command) === name).map(({ input }) => input);
  return { stage, names, inputs };
}

afterEach(() => void vi.useRealTimers());

const REMOVED = ["RemoveTargets", "GetQueueUrl", "DeleteQueue", "DeleteRule"];

test("a feed has one name for its rule and queue, and a policy that admits this rule alone", async () => {
  const { stage, inputs } = stageWith();
  const feed = await openEventFeed(stage, { messageGroup: "$.id" });
  expect(feed.isConfirmed).toBe(true);
  expect(feed.name).toMatch(/^ferry-beta-events-[\w-]{13}$/);
  const arn = `arn:aws:sqs:eu-west-1:111122223333:${feed.name}`;
  const [queue] = inputs("CreateQueue") as [{ QueueName: string; Attributes: Record<string, string> }];
  expect(queue.QueueName).toBe(feed.name);
  expect(JSON.parse(queue.Attributes["Policy"]!).Statement).toEqual([
    {
      Effect: "Allow",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: arn,
      Condition: {
        ArnEquals: { "aws:SourceArn": `arn:aws:events:eu-west-1:111122223333:rule/ferry-beta/${feed.name}` },
      },
    },
  ]);
  expect(inputs("PutTargets")).toMatchObject([
    { Targets: [{ Arn: arn, SqsParameters: { MessageGroupId: "$.id" } }] },
  ]);
  await feed.close();
});

test("each event is returned once, those that came before the probe too, and the probe is not", async () => {
  const messages = [
    { id: "a", "detail-type": "T" },
    { id: "b", "detail-type": "T" },
    { id: "a", "detail-type": "T" },
  ];
  const { stage } = stageWith({}, messages);
  const feed = await openEventFeed(stage);
  expect((await feed.receive(1)).map(({ event, group }) => [event.id, group])).toEqual([
    ["a", "g"],
    ["b", "g"],
  ]);
  messages.push({ id: "b", "detail-type": "T" }, { id: "c", "detail-type": "T" });
  expect((await feed.receive(1)).map(({ event }) => event.id)).toEqual(["c"]);
});

test.each(["hello", "[]", '{"id":"a"}'])("a message that is not an event is skipped: %s", async (text) => {
  const { stage } = stageWith({}, [text, { id: "b", "detail-type": "T", region: "r" }]);
  const feed = await openEventFeed(stage);
  expect(await feed.receive(1)).toMatchObject([{ event: { id: "b", region: "r" } }]);
  await feed.close();
});

test("the rule is deleted after the queue", async () => {
  const { stage, names } = stageWith();
  await (await openEventFeed(stage)).close();
  expect(names().slice(-4)).toEqual(REMOVED);
});

test("given a rule that misses the first events, the feed puts its probe again", async () => {
  let missed = 0;
  const { stage, names } = stageWith({
    ReceiveMessage: () =>
      missed++ < 2
        ? { Messages: [] }
        : { Messages: [{ Body: bodyOf({ id: "p", "detail-type": "FerryProbe" }), ReceiptHandle: "r" }] },
  });
  expect((await openEventFeed(stage)).isConfirmed).toBe(true);
  expect(names().filter((name) => name === "PutEvents")).toHaveLength(3);
});

test("given a queue that is not found at first, the feed waits for it", async () => {
  let calls = 0;
  const { stage } = stageWith({
    ReceiveMessage: () => {
      if (calls++ === 0) throw failure("QueueDoesNotExist");
      return { Messages: [{ Body: bodyOf({ id: "p", "detail-type": "FerryProbe" }), ReceiptHandle: "r" }] };
    },
  });
  expect((await openEventFeed(stage)).isConfirmed).toBe(true);
});

test("given a caller that may not put the probe, the feed opens and says that it is not confirmed", async () => {
  const { stage } = stageWith({
    PutEvents: () => {
      throw failure("AccessDeniedException");
    },
  });
  expect((await openEventFeed(stage)).isConfirmed).toBe(false);
});

describe("given an opening that fails, what was created is removed", () => {
  test.each([
    [
      "CreateQueue",
      () => {
        throw failure("AccessDeniedException");
      },
      "access-denied",
    ],
    [
      "PutTargets",
      () => ({ FailedEntryCount: 1, FailedEntries: [{ ErrorMessage: "no" }] }),
      "entries-refused",
    ],
    [
      "PutEvents",
      () => ({ FailedEntryCount: 1, Entries: [{ ErrorCode: "ThrottlingException" }] }),
      "entries-refused",
    ],
  ])("%s", async (operation, answer, code) => {
    const { stage, names } = stageWith({ [operation]: answer });
    await expect(openEventFeed(stage)).rejects.toMatchObject({ code });
    expect(names().slice(-4)).toEqual(REMOVED);
  });

  test("a signal before the queue", async () => {
    const stop = new AbortController();
    const { stage, names } = stageWith({
      PutRule: () => {
        stop.abort();
        return { RuleArn: "arn:aws:events:eu-west-1:111122223333:rule/ferry-beta/r" };
      },
    });
    await expect(openEventFeed(stage, { signal: stop.signal })).rejects.toThrow();
    expect(names()).not.toContain("CreateQueue");
    expect(names().slice(-4)).toEqual(REMOVED);
  });
});

test("given a bus that does not exist, the error names the stage", async () => {
  const { stage } = stageWith({
    ListRules: () => {
      throw failure("ResourceNotFoundException");
    },
  });
  await expect(openEventFeed(stage)).rejects.toMatchObject({ code: "no-such-stage" });
});

test("rules that killed processes left are found on every page and removed; those in use and others' are not", async () => {
  const rule = (Name: string, Description?: string) => ({ Name, Description });
  const { stage, inputs } = stageWith({
    ListRules: ({ NextToken }) =>
      NextToken === undefined
        ? {
            Rules: [rule("old", IN_USE(Date.now() - 1)), rule("used", IN_USE(Date.now() + 60_000))],
            NextToken: "n",
          }
        : { Rules: [rule("older", IN_USE(0)), rule("other", "until 1970"), rule("bare")] },
  });
  const feed = await openEventFeed(stage);
  expect(feed.removed).toEqual(["old", "older"]);
  expect(inputs("DeleteRule").map(({ Name }) => Name)).toEqual(["old", "older"]);
  expect(inputs("DeleteQueue").map(({ QueueUrl }) => QueueUrl)).toEqual(["url/old", "url/older"]);
  expect(inputs("ListRules")).toMatchObject([
    { NamePrefix: "ferry-beta-events-" },
    { NamePrefix: "ferry-beta-events-", NextToken: "n" },
  ]);
});

test("a rule is in use for a quarter of an hour after it was put", async () => {
  const { stage, inputs } = stageWith();
  const before = Date.now();
  await openEventFeed(stage);
  const [rule] = inputs("PutRule") as [{ Description: string }];
  expect(isLeftover(rule, before + 14 * 60_000)).toBe(false);
  expect(isLeftover(rule, Date.now() + 16 * 60_000)).toBe(true);
});

test("an open feed extends that time, also after a failure; a closed one does not", async () => {
  vi.useFakeTimers();
  let calls = 0;
  const { stage, inputs } = stageWith({
    PutRule: ({ Name }) => {
      if (++calls === 2) throw failure("ThrottlingException");
      return { RuleArn: `arn:aws:events:eu-west-1:111122223333:rule/ferry-beta/${Name}` };
    },
  });
  const feed = await openEventFeed(stage);
  await vi.advanceTimersByTimeAsync(14 * 60_000);
  const rules = inputs("PutRule") as { Name: string; Description: string; EventPattern: string }[];
  expect(rules).toHaveLength(3);
  expect(new Set(rules.map(({ Name, EventPattern }) => Name + EventPattern)).size).toBe(1);
  expect(isLeftover(rules[0]!, Date.now() + 2 * 60_000)).toBe(true);
  expect(isLeftover(rules[2]!, Date.now() + 2 * 60_000)).toBe(false);
  await feed.close();
  await vi.advanceTimersByTimeAsync(60 * 60_000);
  expect(inputs("PutRule")).toHaveLength(3);
});

test("given a queue that is gone, closing removes the rule", async () => {
  const { stage, names } = stageWith({
    GetQueueUrl: () => {
      throw failure("QueueDoesNotExist");
    },
  });
  const feed = await openEventFeed(stage);
  await feed.close();
  expect(names().slice(-2)).toEqual(["GetQueueUrl", "DeleteRule"]);
});

test("given a queue that cannot be deleted, the rule stays, so that the next feed finds both", async () => {
  const { stage, names } = stageWith({
    DeleteQueue: () => {
      throw failure("AccessDeniedException");
    },
  });
  const feed = await openEventFeed(stage);
  await expect(feed.close()).rejects.toMatchObject({
    code: "feed-not-removed",
    message: expect.stringContaining(feed.name),
  });
  expect(names()).not.toContain("DeleteRule");
});

test("the pattern asks for Ferry's source, except for what callers put", () => {
  const probe = { "detail-type": ["FerryProbe"], detail: { feed: ["n"] } };
  expect(patternOf("n", ["TaskFailed", "TaskRequested"])).toEqual({
    $or: [{ source: ["ferry"], "detail-type": ["TaskFailed"] }, { "detail-type": ["TaskRequested"] }, probe],
  });
  expect(patternOf("n", ["TaskRequested"])).toEqual({ $or: [{ "detail-type": ["TaskRequested"] }, probe] });
});
