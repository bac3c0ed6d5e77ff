import { expect, test } from "vitest";
import { createClientRules } from "./client-rules.ts";
import type { EventEnvelope } from "./put-events.ts";
import type { RuleDelivery } from "./rules.ts";

const BUS = { EventBusName: "ferry-local" };
const QUEUE = "arn:aws:sqs:us-east-1:000000000000:q";
const event: EventEnvelope = {
  version: "0",
  id: "e1",
  "detail-type": "T",
  source: "ferry",
  account: "000000000000",
  time: "2026-01-01T00:00:00Z",
  region: "us-east-1",
  resources: [],
  detail: { a: 1 },
};

function given({ duplicate = false, send }: { duplicate?: boolean; send?: () => Promise<void> } = {}) {
  const sent: RuleDelivery[] = [];
  const log: string[] = [];
  const rules = createClientRules({
    isBus: (name, region) => name === "ferry-local" && region === "us-east-1",
    ruleArn: (name) => `rule:${name}`,
    send: send ?? (async (delivery) => void sent.push(delivery)),
    duplicate,
    log: (line) => log.push(line),
  });
  const call = (operation: string, input: object) => rules.call(operation, "us-east-1", { ...BUS, ...input });
  return { rules, call, sent, log };
}

function withRule(options: Parameters<typeof given>[0] = {}) {
  const all = given(options);
  all.call("PutRule", { Name: "r", EventPattern: '{"source":["ferry"]}', Description: "d" });
  all.call("PutTargets", {
    Rule: "r",
    Targets: [{ Id: "1", Arn: QUEUE, SqsParameters: { MessageGroupId: "$.id" } }],
  });
  return all;
}

test("a matching event is sent to the target's queue as it is, with its message group", async () => {
  const { rules, sent } = withRule();
  await rules.deliver(event);
  await rules.deliver({ ...event, source: "other" });
  expect(sent).toEqual([{ queueArn: QUEUE, body: JSON.stringify(event), messageGroup: "e1" }]);
});

test("given duplicate, each target gets the event twice", async () => {
  const { rules, sent } = withRule({ duplicate: true });
  await rules.deliver(event);
  expect(sent).toHaveLength(2);
});

test("a rule that is put again keeps its targets, and has its new pattern and description", async () => {
  const { rules, call, sent } = withRule();
  call("PutRule", { Name: "r", EventPattern: '{"source":["other"]}', Description: "e" });
  await rules.deliver(event);
  expect(sent).toEqual([]);
  await rules.deliver({ ...event, source: "other" });
  expect(sent).toHaveLength(1);
  expect(call("ListRules", { NamePrefix: "r" })).toMatchObject({ Rules: [{ Name: "r", Description: "e" }] });
  expect(call("ListRules", { NamePrefix: "s" })).toEqual({ Rules: [] });
});

test("a rule with targets cannot be deleted; without them it can, and delivers no more", async () => {
  const { rules, call, sent } = withRule();
  expect(() => call("DeleteRule", { Name: "r" })).toThrow("it has targets");
  expect(call("RemoveTargets", { Rule: "r", Ids: ["1"] })).toMatchObject({ FailedEntryCount: 0 });
  expect(call("RemoveTargets", { Rule: "r", Ids: ["1"] })).toMatchObject({ FailedEntryCount: 1 });
  await rules.deliver(event);
  call("DeleteRule", { Name: "r" });
  expect(sent).toEqual([]);
  expect(call("ListRules", {})).toEqual({ Rules: [] });
});

test("a disabled rule delivers nothing", async () => {
  const { rules, call, sent } = withRule();
  call("PutRule", { Name: "r", EventPattern: '{"source":["ferry"]}', State: "DISABLED" });
  await rules.deliver(event);
  expect(sent).toEqual([]);
});

test("an event that the queue refuses is dropped, with a line in the log", async () => {
  const { rules, log } = withRule({
    send: async () => {
      throw new Error("no such queue");
    },
  });
  await rules.deliver(event);
  expect(log).toEqual([`rule r: event e1 (T) not delivered to ${QUEUE}: no such queue`]);
});

test.each([
  ["PutRule", { Name: "a b", EventPattern: "{}" }, "ValidationException", "Name must be"],
  ["PutRule", { Name: "r", EventPattern: '{"a":1}' }, "InvalidEventPatternException", "must be an object"],
  ["PutRule", { Name: "r", EventPattern: "{" }, "InvalidEventPatternException", "Event pattern is not valid"],
  ["PutRule", { Name: "r", ScheduleExpression: "rate(1 day)" }, "ValidationException", "ScheduleExpression"],
  ["PutRule", { Name: "r", EventBusName: "b" }, "ResourceNotFoundException", "Event bus b does not exist."],
  [
    "PutTargets",
    { Rule: "s", Targets: [{ Id: "1", Arn: QUEUE }] },
    "ResourceNotFoundException",
    "Rule s does not exist.",
  ],
  [
    "PutTargets",
    { Rule: "r", Targets: [{ Id: "1", Arn: "arn:aws:lambda:us-east-1:000000000000:function:f" }] },
    "ValidationException",
    "must be the ARN of a queue",
  ],
  [
    "PutTargets",
    { Rule: "r", Targets: [{ Id: "1", Arn: QUEUE, Input: "{}" }] },
    "ValidationException",
    "Input is not supported here",
  ],
  ["PutTargets", { Rule: "r", Targets: [] }, "ValidationException", "Targets must be a list"],
  [
    "PutTargets",
    { Rule: "r", Targets: [2, 3, 4, 5, 6].map((id) => ({ Id: String(id), Arn: QUEUE })) },
    "LimitExceededException",
    "at most 5 targets",
  ],
  ["DeleteRule", { Name: "s" }, "ResourceNotFoundException", "Rule s does not exist."],
])("%s of %j is refused", (operation, input, name, message) => {
  const { call } = withRule();
  expect(() => call(operation, input)).toThrow(
    expect.objectContaining({ name, message: expect.stringContaining(message) }),
  );
});

test("another operation is not one of these", () => {
  expect(given().call("PutPermission", {})).toBeUndefined();
  expect(given().call("toString", {})).toBeUndefined();
});

test("in another region there is no such bus", () => {
  expect(() => given().rules.call("ListRules", "eu-west-1", BUS)).toThrow(
    "Event bus ferry-local does not exist.",
  );
});
