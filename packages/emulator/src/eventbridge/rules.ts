/**
 * Delivers events to queues by the topology's rules, as EventBridge does: at least once, in no order, each target on
 * its own; what cannot be delivered goes to the undelivered-queue.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { inputTemplate, type QueueName, type Route, UNDELIVERED_QUEUE } from "@ferry/core/topology";
import { compilePattern } from "./event-pattern.ts";
import { compileRuleTemplate } from "./input-template.ts";
import { compilePath } from "./json-path.ts";
import type { EventEnvelope } from "./put-events.ts";

/** What a rule sends to a queue. */
export interface Delivery {
  readonly queue: QueueName | typeof UNDELIVERED_QUEUE;
  readonly body: string;
  readonly messageGroup?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface RulesOptions {
  readonly routes: Readonly<Record<string, Route>>;
  /** Sends one message; rejects with the queue's error. */
  readonly send: (delivery: Delivery) => Promise<void>;
  readonly ruleArn: (rule: string) => string;
  readonly queueArn: (queue: QueueName) => string;
  /** Every event reaches every target twice, late and in another order: what at-least-once delivery allows. */
  readonly duplicate: boolean;
  readonly log: (line: string) => void;
}

/** A target is tried this often before its event is set aside. AWS: 185 times in 24 hours. */
const TRIES = 3;
const RETRY_MS = 50;
/** A duplicated event's copies come at once, while another is being worked on, or when that is long done. */
const DUPLICATE_AFTER_MS_MAX = 200;

/** Returns what delivers an event to every target whose rule matches; it resolves when all are done and never rejects. */
export function createRules(options: RulesOptions): (event: EventEnvelope) => Promise<void> {
  const rules = Object.entries(options.routes).map(([name, route]) => ({
    name,
    queue: route.queue,
    matches: compilePattern(route.pattern),
    render: compileRuleTemplate(inputTemplate(route)),
    group: route.messageGroup === undefined ? undefined : compilePath(route.messageGroup),
  }));

  const deliver = async (rule: (typeof rules)[number], event: EventEnvelope): Promise<void> => {
    const body = rule.render(event);
    const group = rule.group?.(event);
    const delivery: Delivery = {
      queue: rule.queue,
      body,
      ...(typeof group === "string" && group !== "" ? { messageGroup: group } : {}),
    };
    let error: unknown;
    for (let tried = 0; tried < TRIES; tried++) {
      if (tried > 0) await sleep(RETRY_MS * 2 ** tried);
      try {
        await options.send(delivery);
        return;
      } catch (cause) {
        error = cause;
      }
    }
    await setAside(rule.name, rule.queue, event, error);
  };

  /** As AWS does: the event itself, and the reason in attributes. */
  const setAside = async (name: string, queue: QueueName, event: EventEnvelope, error: unknown) => {
    const { code, message } = describe(error);
    options.log(
      `rule ${name}: event ${event.id} (${event["detail-type"]}) not delivered to ${queue}: ${message}`,
    );
    try {
      await options.send({
        queue: UNDELIVERED_QUEUE,
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

  const late = async (rule: (typeof rules)[number], event: EventEnvelope): Promise<void> => {
    await sleep(Math.random() * DUPLICATE_AFTER_MS_MAX);
    await deliver(rule, event);
  };

  return async (event) => {
    await Promise.all(
      rules
        .filter((rule) => rule.matches(event))
        .flatMap((rule) => [
          ...(options.duplicate ? [late(rule, event), late(rule, event)] : [deliver(rule, event)]),
        ]),
    );
  };
}

function describe(error: unknown): { code: string; message: string } {
  return error instanceof Error
    ? { code: error.name, message: error.message || error.name }
    : { code: "Unknown", message: String(error) };
}
