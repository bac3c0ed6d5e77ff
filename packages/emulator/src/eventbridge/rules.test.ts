import type { Route } from "@ferry/core/topology";
import { expect, test } from "vitest";
import type { EventEnvelope } from "./put-events.ts";
import { createRules, type RuleDelivery, type RulesOptions } from "./rules.ts";

const route: Route = {
  pattern: { "detail-type": ["T"] },
  queue: "backup-queue",
  failsAs: "TaskRejected",
  messageGroup: "$.detail.task.request-id",
};
const event: EventEnvelope = {
  version: "0",
  id: "e1",
  "detail-type": "T",
  source: "ferry",
  account: "000000000000",
  time: "2026-01-01T00:00:00Z",
  region: "us-east-1",
  resources: [],
  detail: { task: { "request-id": "r1" } },
};

function given(options: Partial<RulesOptions> = {}) {
  const sent: RuleDelivery[] = [];
  const log: string[] = [];
  const deliver = createRules({
    routes: { one: route },
    send: async (delivery) => void sent.push(delivery),
    ruleArn: (rule) => `rule:${rule}`,
    queueArn: (queue) => `queue:${queue}`,
    duplicate: false,
    log: (line) => log.push(line),
    ...options,
  });
  return { deliver, sent, log };
}

test("a matching event is sent in the template's form, with its message group", async () => {
  const { deliver, sent } = given();
  await deliver(event);
  expect(sent).toEqual([
    {
      queueArn: "queue:backup-queue",
      body: JSON.stringify({ failsAs: "TaskRejected", event }),
      messageGroup: "r1",
    },
  ]);
});

test("an event that no rule matches is not sent", async () => {
  const { deliver, sent } = given();
  await deliver({ ...event, "detail-type": "U" });
  expect(sent).toEqual([]);
});

test("every matching rule sends the event", async () => {
  const { deliver, sent } = given({ routes: { one: route, two: { ...route, queue: "projection-queue" } } });
  await deliver(event);
  expect(sent.map(({ queueArn }) => queueArn).sort()).toEqual([
    "queue:backup-queue",
    "queue:projection-queue",
  ]);
});

test("given duplicate, events arrive in another order", async () => {
  const { deliver, sent } = given({ duplicate: true });
  const ids = Array.from({ length: 30 }, (_, n) => `e${n}`);
  await Promise.all(ids.map((id) => deliver({ ...event, id })));
  const received = sent.map(({ body }) => (JSON.parse(body) as { event: EventEnvelope }).event.id);
  expect([...received].sort()).toEqual([...ids, ...ids].sort());
  expect([...new Set(received)]).not.toEqual(ids);
});

test("given duplicate, every target receives every event twice", async () => {
  const { deliver, sent } = given({ duplicate: true });
  await deliver(event);
  expect(sent).toHaveLength(2);
  expect(sent[0]).toEqual(sent[1]);
});

test("a failed delivery is retried", async () => {
  const bodies: string[] = [];
  let failures = 2;
  const { deliver, log } = given({
    send: async ({ body }) => {
      if (failures-- > 0) throw new Error("not now");
      bodies.push(body);
    },
  });
  await deliver(event);
  expect(bodies).toHaveLength(1);
  expect(log).toEqual([]);
});

test("an event that cannot be delivered goes to undelivered-queue, with the reason", async () => {
  const sent: RuleDelivery[] = [];
  const { deliver, log } = given({
    send: async (delivery) => {
      if (delivery.queueArn === "queue:backup-queue")
        throw Object.assign(new Error("no such queue"), { name: "QueueDoesNotExist" });
      sent.push(delivery);
    },
  });
  await deliver(event);
  expect(sent).toEqual([
    {
      queueArn: "queue:undelivered-queue",
      body: JSON.stringify(event),
      attributes: {
        RULE_ARN: "rule:one",
        TARGET_ARN: "queue:backup-queue",
        ERROR_CODE: "QueueDoesNotExist",
        ERROR_MESSAGE: "no such queue",
      },
    },
  ]);
  expect(log.join()).toContain("e1");
});
