/**
 * Delivers events to queues by the topology's rules, as EventBridge does: at least once, in no order, each target
 * independently. An event that cannot be delivered goes to undelivered-queue.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { inputTemplate, type QueueName, type Route, UNDELIVERED_QUEUE } from "@ferry/core/topology";
import { compilePattern } from "./event-pattern.ts";
import { compileRuleTemplate } from "./input-template.ts";
import { compilePath, type Lookup } from "./json-path.ts";
import type { EventEnvelope } from "./put-events.ts";

/** A message that a rule sends to a queue, which may be in another region than the bus. */
export interface RuleDelivery {
  readonly queueArn: string;
  readonly body: string;
  readonly messageGroup?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface RulesOptions {
  readonly routes: Readonly<Record<string, Route>>;
  /** Sends one message; rejects with the queue's error. */
  readonly send: (delivery: RuleDelivery) => Promise<void>;
  readonly ruleArn: (rule: string) => string;
  readonly queueArn: (queue: QueueName | typeof UNDELIVERED_QUEUE) => string;
  /** Whether every event is delivered to every target twice, late and in another order, as at-least-once delivery allows. */
  readonly duplicate: boolean;
  readonly log: (line: string) => void;
}

/** The number of attempts before an event goes to undelivered-queue. AWS: 185 in 24 hours. */
const TRIES = 3;
const RETRY_MS = 50;
/** Long enough that a copy arrives before, during or after the processing of the other copy. */
const DUPLICATE_AFTER_MS_MAX = 200;

/**
 * Returns a function that delivers an event to the target of every matching rule. It resolves when all are done and never
 * rejects.
 */
export function createRules(options: RulesOptions): (event: EventEnvelope) => Promise<void> {
  const rules = Object.entries(options.routes).map(([name, route]) => ({
    name,
    queue: route.queue,
    matches: compilePattern(route.pattern),
    render: compileRuleTemplate(inputTemplate(route)),
    group: route.messageGroup === undefined ? undefined : compilePath(route.messageGroup),
  }));

  const deliver = async (rule: (typeof rules)[number], event: EventEnvelope): Promise<void> => {
    const delivery: RuleDelivery = {
      queueArn: options.queueArn(rule.queue),
      body: rule.render(event),
      ...messageGroupOf(event, rule.group),
    };
    let error: unknown;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (attempt > 0) await sleep(RETRY_MS * 2 ** attempt);
      try {
        await options.send(delivery);
        return;
      } catch (cause) {
        error = cause;
      }
    }
    await sendToDeadLetters(rule.name, rule.queue, event, error);
  };

  /** Sends an event to undelivered-queue as AWS does, with the reason in attributes. */
  const sendToDeadLetters = async (name: string, queue: QueueName, event: EventEnvelope, error: unknown) => {
    const { code, message } = describe(error);
    options.log(
      `rule ${name}: event ${event.id} (${event["detail-type"]}) not delivered to ${queue}: ${message}`,
    );
    try {
      await options.send({
        queueArn: options.queueArn(UNDELIVERED_QUEUE),
        body: JSON.stringify(event),
        attributes: {
          RULE_ARN: options.ruleArn(name),
          TARGET_ARN: options.queueArn(queue),
          ERROR_CODE: code,
          ERROR_MESSAGE: message,
        },
      });
    } catch (cause) {
      options.log(`rule ${name}: event ${event.id} is lost: ${describe(cause).message}`);
    }
  };

  const deliverLate = async (rule: (typeof rules)[number], event: EventEnvelope): Promise<void> => {
    await sleep(Math.random() * DUPLICATE_AFTER_MS_MAX);
    await deliver(rule, event);
  };

  return async (event) => {
    const matching = rules.filter((rule) => rule.matches(event));
    await Promise.all(
      options.duplicate
        ? [...matching, ...matching].map((rule) => deliverLate(rule, event))
        : matching.map((rule) => deliver(rule, event)),
    );
  };
}

/** The message group at a path of an event, if there is a text. */
export function messageGroupOf(
  event: EventEnvelope,
  path: Lookup | undefined,
): Pick<RuleDelivery, "messageGroup"> {
  const group = path?.(event);
  return typeof group === "string" && group !== "" ? { messageGroup: group } : {};
}

function describe(error: unknown): { code: string; message: string } {
  return error instanceof Error
    ? { code: error.name, message: error.message || error.name }
    : { code: "Unknown", message: String(error) };
}
