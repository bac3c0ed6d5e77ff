/**
 * The rules that clients put on the bus, each with queues as targets: PutRule, PutTargets, RemoveTargets, DeleteRule and
 * ListRules, as far as Ferry's clients use them. The rules of Ferry itself (rules.ts) are not listed and cannot be changed.
 */
import { messageOf } from "@ferry/core/errors/errors";
import { isObject, type JsonObject } from "../json.ts";
import { compilePattern, type Matcher } from "./event-pattern.ts";
import { compilePath, type Lookup } from "./json-path.ts";
import type { EventEnvelope } from "./put-events.ts";
import { messageGroupOf, type RuleDelivery } from "./rules.ts";

/** An error that EventBridge answers a call with. */
export class RuleError extends Error {
  constructor(code: string, message: string) {
    super(message);
    this.name = code;
  }
}

export interface ClientRulesOptions {
  /** Whether an EventBusName (a name or an ARN) means the bus, in a call to `region`. */
  readonly isBus: (name: string, region: string) => boolean;
  readonly ruleArn: (rule: string) => string;
  /** Sends one message; rejects with the queue's error. */
  readonly send: (delivery: RuleDelivery) => Promise<void>;
  /** Whether every event is delivered to every target twice. */
  readonly duplicate: boolean;
  readonly log: (line: string) => void;
}

export interface ClientRules {
  /** Delivers an event to the targets of every matching rule. Never rejects: an event that a queue refuses is dropped. */
  deliver(event: EventEnvelope): Promise<void>;
  /** The output of an operation, called in `region`; undefined if it is not one of these. Throws a RuleError. */
  call(operation: string, region: string, input: unknown): object | undefined;
}

interface Target {
  readonly arn: string;
  readonly group: Lookup | undefined;
}

interface Rule {
  readonly matches: Matcher;
  readonly pattern: string;
  readonly description: string | undefined;
  readonly state: string;
  readonly targets: Map<string, Target>;
}

const RULE_NAME = /^[\w.-]{1,64}$/;
const QUEUE_ARN = /^arn:aws:sqs:[^:]+:\d{12}:[\w-]{1,80}$/;
const TARGETS_MAX = 5;

export function createClientRules(options: ClientRulesOptions): ClientRules {
  const rules = new Map<string, Rule>();

  const existing = (name: string): Rule => {
    const rule = rules.get(name);
    if (rule !== undefined) return rule;
    throw new RuleError("ResourceNotFoundException", `Rule ${name} does not exist.`);
  };

  const operations: Readonly<Record<string, (input: JsonObject) => object>> = {
    PutRule(input) {
      only(input, ["Name", "EventBusName", "EventPattern", "Description", "State"]);
      const name = text(input, "Name");
      if (!RULE_NAME.test(name)) throw invalid(`Name must be 1 to 64 of A-Z a-z 0-9 _ . -: got ${name}`);
      const pattern = text(input, "EventPattern");
      const { Description: description, State: state = "ENABLED" } = input;
      rules.set(name, {
        matches: compiled(pattern),
        pattern,
        description: typeof description === "string" ? description : undefined,
        state: String(state),
        // A rule that is put again keeps its targets.
        targets: rules.get(name)?.targets ?? new Map(),
      });
      return { RuleArn: options.ruleArn(name) };
    },
    DeleteRule(input) {
      const name = text(input, "Name");
      if (existing(name).targets.size > 0) throw invalid("Rule can't be deleted since it has targets.");
      rules.delete(name);
      return {};
    },
    PutTargets(input) {
      const { targets } = existing(text(input, "Rule"));
      const read = objects(input["Targets"], "Targets").map((target) => {
        only(target, ["Id", "Arn", "SqsParameters"]);
        return { id: text(target, "Id"), ...readTarget(target) };
      });
      for (const { id, ...target } of read) targets.set(id, target);
      if (targets.size > TARGETS_MAX)
        throw new RuleError("LimitExceededException", `A rule has at most ${TARGETS_MAX} targets.`);
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    RemoveTargets(input) {
      const { targets } = existing(text(input, "Rule"));
      const ids = Array.isArray(input["Ids"]) ? input["Ids"].map(String) : [];
      const FailedEntries = ids
        .filter((id) => !targets.delete(id))
        .map((TargetId) => ({
          TargetId,
          ErrorCode: "ResourceNotFoundException",
          ErrorMessage: "Rule does not contain target.",
        }));
      return { FailedEntryCount: FailedEntries.length, FailedEntries };
    },
    ListRules(input) {
      const prefix = typeof input["NamePrefix"] === "string" ? input["NamePrefix"] : "";
      const Rules = [...rules]
        .filter(([name]) => name.startsWith(prefix))
        .map(([Name, { pattern, description, state }]) => ({
          Name,
          Arn: options.ruleArn(Name),
          EventPattern: pattern,
          State: state,
          ...(description !== undefined && { Description: description }),
        }));
      return { Rules };
    },
  };

  const deliverTo = async (name: string, { arn, group }: Target, event: EventEnvelope): Promise<void> => {
    try {
      await options.send({ queueArn: arn, body: JSON.stringify(event), ...messageGroupOf(event, group) });
    } catch (error) {
      options.log(
        `rule ${name}: event ${event.id} (${event["detail-type"]}) not delivered to ${arn}: ${messageOf(error)}`,
      );
    }
  };

  return {
    async deliver(event) {
      const deliveries = [...rules]
        .filter(([, rule]) => rule.state !== "DISABLED" && rule.matches(event))
        .flatMap(([name, { targets }]) => [...targets.values()].map((target) => ({ name, target })));
      const all = options.duplicate ? [...deliveries, ...deliveries] : deliveries;
      await Promise.all(all.map(({ name, target }) => deliverTo(name, target, event)));
    },
    call(operation, region, input) {
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (run === undefined) return undefined;
      if (!isObject(input)) throw invalid("The input must be an object");
      const { EventBusName: bus = "default" } = input;
      if (!options.isBus(String(bus), region))
        throw new RuleError("ResourceNotFoundException", `Event bus ${String(bus)} does not exist.`);
      return run(input);
    },
  };
}

function compiled(pattern: string): Matcher {
  try {
    return compilePattern(JSON.parse(pattern));
  } catch (error) {
    throw new RuleError(
      "InvalidEventPatternException",
      `Event pattern is not valid. Reason: ${(error as Error).message}`,
    );
  }
}

function readTarget(target: JsonObject): Target {
  const arn = text(target, "Arn");
  if (!QUEUE_ARN.test(arn)) throw invalid(`a target here must be the ARN of a queue: got ${arn}`);
  const parameters = target["SqsParameters"];
  const group = isObject(parameters) ? parameters["MessageGroupId"] : undefined;
  return { arn, group: typeof group === "string" ? compilePath(group) : undefined };
}

/** Refuses fields that EventBridge has and this emulation has not, so that no rule works here otherwise than on AWS. */
function only(input: JsonObject, fields: readonly string[]): void {
  const other = Object.keys(input).find((field) => !fields.includes(field));
  if (other !== undefined) throw invalid(`${other} is not supported here: ${fields.join(", ")} are`);
}

function text(input: JsonObject, field: string): string {
  const value = input[field];
  if (typeof value === "string" && value !== "") return value;
  throw invalid(`${field} must be a text of at least one character`);
}

function objects(value: unknown, field: string): readonly JsonObject[] {
  if (Array.isArray(value) && value.length > 0 && value.every(isObject)) return value;
  throw invalid(`${field} must be a list of at least one object`);
}

function invalid(message: string): RuleError {
  return new RuleError("ValidationException", message);
}
