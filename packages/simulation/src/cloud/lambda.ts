/**
 * Lambda: polls the queues, runs the real handlers, and deletes the processed messages by message id.
 */
import { projectorHandler } from "@ferry/aws/lambda/projector";
import { workerHandler } from "@ferry/aws/lambda/worker";
import { parseMessage, type SegmentWork } from "@ferry/core/events/events";
import { type ConsumerName, consumers, type QueueName } from "@ferry/core/topology";
import { failedMessages } from "@ferry/emulator/lambda/partial-batch";
import type { SQSEvent } from "aws-lambda";
import { createInvocation, type Invocation } from "./invocation.ts";
import { type Cloud, projectorOf, workerOf } from "./ports.ts";
import type { Delivered } from "./queues.ts";
import type { Scheduler } from "./scheduler.ts";

export interface LambdaOptions {
  readonly timeoutMs: number;
  /** The most concurrent invocations of a worker. */
  readonly concurrency: number;
  /** How far a clock may be off, ms. */
  readonly skewMsMax: number;
}

const PROJECTOR_TIMEOUT_MS = 60_000;
const POLL_MS_MAX = 500;
/** The visibility timeout is so much longer than the Lambda timeout, until a handler changes it. */
const VISIBILITY_MARGIN_MS = 30_000;

export function createLambda(options: LambdaOptions, cloud: () => Cloud, scheduler: Scheduler) {
  const running = new Map<ConsumerName, number>();
  const polling = new Set<ConsumerName>();
  const names = Object.keys(consumers) as ConsumerName[];
  let count = 0;

  function poll(name: ConsumerName): void {
    if (polling.has(name)) return;
    polling.add(name);
    // The longer the delay, the larger the batch.
    const pausedMs = name === "projection" ? cloud().projectorPausedUntilMs() - scheduler.now() : 0;
    scheduler.after(Math.max(0, pausedMs) + cloud().rng.magnitude(1, POLL_MS_MAX), () => {
      polling.delete(name);
      const most = name === "projection" ? consumers[name].maximumConcurrency : options.concurrency;
      while ((running.get(name) ?? 0) < most && cloud().queues.any(consumers[name].queue)) start(name);
    });
  }

  function start(name: ConsumerName): void {
    const { queues, rng, faults } = cloud();
    const { queue, batchSize } = consumers[name];
    const timeoutMs = name === "projection" ? PROJECTOR_TIMEOUT_MS : options.timeoutMs;
    const messages = queues.receive(queue, rng.between(1, batchSize), timeoutMs + VISIBILITY_MARGIN_MS);
    const [first] = messages;
    if (first === undefined) return;
    running.set(name, (running.get(name) ?? 0) + 1);
    const { event } = parseMessage(first.body);
    const invocation: Invocation = createInvocation(
      {
        name: `${name}#${++count}`,
        consumer: name,
        messages,
        work: (event.detail ?? {}) as Partial<SegmentWork>,
        timeoutMs,
        skewMs: faults.occurs("clockSkew") ? rng.between(-options.skewMsMax, options.skewMsMax) : 0,
      },
      scheduler,
      () => {
        cloud().recorder.ended(invocation.name, true);
        ended(name);
      },
    );
    cloud().recorder.began(invocation, first, event);
    cloud().log(
      () => `${invocation.name} begins ${messages.map(({ body }) => describeMessage(body)).join(", ")}`,
    );
    void run(name, invocation);
  }

  function ended(name: ConsumerName): void {
    running.set(name, running.get(name)! - 1);
    poll(name);
  }

  async function run(name: ConsumerName, invocation: Invocation): Promise<void> {
    const { queues, faults, log } = cloud();
    const response = await handle(name, invocation, cloud());
    const again = failedMessages(
      response,
      invocation.messages.map(({ id }) => id),
    );
    for (const { id, handle } of invocation.messages) {
      if (again.includes(id)) continue;
      if (faults.occurs("lostAcknowledgement"))
        log(() => `${invocation.name} has processed ${id}: NOT DELETED`);
      else queues.remove(handle);
    }
    if (!invocation.alive()) return;
    cloud().recorder.ended(invocation.name, again.length > 0);
    invocation.end();
    ended(name);
  }

  return {
    /** A queue has a visible message. */
    ready(queue: QueueName) {
      for (const name of names) if (consumers[name].queue === queue) poll(name);
    },
  };
}

/** The handler's response. If it throws, every message has failed. */
async function handle(name: ConsumerName, invocation: Invocation, cloud: Cloud): Promise<unknown> {
  const event = { Records: invocation.messages.map(toRecord) } as unknown as SQSEvent;
  const context = { getRemainingTimeInMillis: () => invocation.time.remainingMs() };
  try {
    return name === "projection"
      ? await projectorHandler(() => projectorOf(invocation, cloud))(event)
      : await workerHandler(() => workerOf(invocation, cloud))(event, context);
  } catch (error) {
    cloud.log(() => `${invocation.name} throws: ${(error as Error).message}`);
    return { batchItemFailures: invocation.messages.map(({ id }) => ({ itemIdentifier: id })) };
  }
}

function toRecord({ id, handle, body, receives }: Delivered) {
  return {
    messageId: id,
    receiptHandle: handle,
    body,
    attributes: { ApproximateReceiveCount: String(receives) },
  };
}

function describeMessage(body: string): string {
  const { event } = parseMessage(body);
  const { segment, attempt } = (event.detail ?? {}) as Partial<SegmentWork>;
  const where = segment === undefined ? "" : ` segment ${segment} attempt ${attempt}`;
  return `${event.id} ${event["detail-type"]}${where}`;
}
