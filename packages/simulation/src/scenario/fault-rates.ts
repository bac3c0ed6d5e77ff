/**
 * What goes wrong in a run, and how often: each fault at a rate of its own.
 */
import type { Rng } from "../cloud/scheduler.ts";

/** Every fault, and the highest rate that a seed gives it: per event, message or call, as its line says. */
const RATES_MAX = {
  /** Per delivery of an event to a rule: it is delivered once more. */
  duplicateEvent: 0.2,
  /** Per message: SQS delivers it once more. */
  duplicateMessage: 0.2,
  /** Per event and message: it comes minutes late, and so out of order. */
  delay: 0.1,
  /** Per message done: it is not deleted. */
  lostAcknowledgement: 0.2,
  /** Per call on a port: the worker dies before its effect. */
  crashBefore: 0.03,
  /** Per call on a port: the worker dies when it has had its effect. */
  crashAfter: 0.03,
  /** Per PutEvents: the worker dies before it. */
  crashBeforeEvents: 0.2,
  /** Per call on a port: the worker's message becomes visible again, and the worker goes on. */
  visibilityExpired: 0.05,
  /** Per call on a port: it takes up to minutes. */
  stall: 0.03,
  /** Per put: it takes up to minutes. */
  slowPut: 0.05,
  /** Per call on a port: the connection breaks before its effect. */
  refused: 0.05,
  /** Per call on a port: the connection breaks when it has had its effect. */
  answerLost: 0.05,
  /** Per call that reads or writes items: the connection breaks when it has had its effect. */
  itemAnswerLost: 0.25,
  /** Per call on a table: DynamoDB asks for less. */
  throttledRead: 0.3,
  throttledWrite: 0.3,
  /** Per call on the status tables and on the workers' notes: DynamoDB asks for less. */
  throttledStatus: 0.2,
  /** Per request on a table, of the SDK's: 500, before its effect or after it. */
  serverError: 0.05,
  /** Per object that is read: the connection breaks in the middle of its body. */
  cutBody: 0.1,
  /** Per answer of a table to the SDK: the connection breaks in the middle of its body. */
  cutAnswer: 0.05,
  /** Per answer of a table to the SDK: its body is not what was sent, as its checksum tells. */
  damagedAnswer: 0.05,
  /** Per call of the projector: the connection breaks before its effect. */
  projectorRefused: 0.2,
  /** Per call on the bucket: S3 asks for less. */
  slowDown: 0.05,
  /** Per entry of PutEvents: it is refused. */
  refusedEntry: 0.2,
  /** Per BatchWriteItem: some of its writes are not taken. */
  unprocessed: 0.3,
  /** Per scan: its page is cut short, to nothing even. */
  shortPage: 0.3,
  /** Per put: 409, another put of the key is under way. */
  conflict: 0.2,
  /** Per invocation: its clock is off. */
  clockSkew: 0.5,
  /** Per data file put: the application deletes or changes the item that it ends with. */
  writeAtCursor: 0.3,
} as const;

export type FaultName = keyof typeof RATES_MAX;

/** The rates of a run. */
export type FaultRates = Readonly<Record<FaultName, number>>;

export const faultNames = Object.keys(RATES_MAX) as FaultName[];

/** No fault at all. */
export const noFaults: FaultRates = Object.fromEntries(faultNames.map((name) => [name, 0])) as FaultRates;

/** How much more often than usual a run's own fault happens, and how often at most. */
const OWN_TIMES = 8;
const OWN_RATE_MAX = 0.5;

/** A seed's fault rates: of some faults none, of others few or many, and in half of the seeds a great many of one. */
export function faultRatesOf(chance: Rng): FaultRates {
  const intensity = chance.pick([0, 0.15, 0.5, 1]);
  const own = chance.happens(0.5) ? chance.pick(faultNames) : undefined;
  const rate = (name: FaultName) => {
    if (name === own) return Math.min(OWN_RATE_MAX, RATES_MAX[name] * OWN_TIMES);
    return chance.happens(0.4) ? 0 : RATES_MAX[name] * intensity * chance.pick([0.1, 0.4, 1]);
  };
  return Object.fromEntries(faultNames.map((name) => [name, rate(name)])) as FaultRates;
}
