/**
 * The faults of a run: most happen at a rate, a few happen a number of times during the fault phase.
 */
import type { Rng } from "../cloud/scheduler.ts";

/** Every fault with a rate, and the highest rate that a seed gives it. The comment says per what the rate counts. */
const RATES_MAX = {
  /** Per delivery of an event to a rule: it is delivered twice. */
  duplicateEvent: 0.2,
  /** Per message: SQS delivers it twice. */
  duplicateMessage: 0.2,
  /** Per event and per message: it arrives minutes late, and so out of order. */
  delay: 0.1,
  /** Per processed message: it is not deleted. */
  lostAcknowledgement: 0.2,
  /** Per call on a port: the worker dies before the call takes effect. */
  crashBefore: 0.03,
  /** Per call on a port: the worker dies after the call took effect. */
  crashAfter: 0.03,
  /** Per PutEvents: the worker dies before it. */
  crashBeforeEvents: 0.2,
  /** Per call on a port: the worker's message becomes visible again while the worker continues. */
  visibilityExpired: 0.05,
  /** Per call on a port: it takes up to minutes. */
  stall: 0.03,
  /** Per put: it takes up to minutes. */
  slowPut: 0.05,
  /** Per call on a port: the connection breaks before the call takes effect. */
  refused: 0.05,
  /** Per call on a port: the connection breaks after the call took effect. */
  answerLost: 0.05,
  /** Per call that reads or writes items: the connection breaks after the call took effect. */
  itemAnswerLost: 0.25,
  /** Per call on a table: DynamoDB throttles it. */
  throttledRead: 0.3,
  throttledWrite: 0.3,
  /** Per call on the status tables and on the worker table: DynamoDB throttles it. */
  throttledStatus: 0.2,
  /** Per request of the SDK on a table: status 500, before or after the request takes effect. */
  serverError: 0.05,
  /** Per object that is read: the connection breaks in the middle of the body. */
  cutBody: 0.1,
  /** Per response of a table to the SDK: the connection breaks in the middle of the body. */
  cutAnswer: 0.05,
  /** Per response of a table to the SDK: its body is damaged, so that its checksum does not match. */
  damagedAnswer: 0.05,
  /** Per call of the projector: the connection breaks before the call takes effect. */
  projectorRefused: 0.2,
  /** Per call on the bucket: S3 throttles it. */
  slowDown: 0.05,
  /** Per entry of PutEvents: the bus rejects it. */
  refusedEntry: 0.2,
  /** Per BatchWriteItem: some of its writes are unprocessed. */
  unprocessed: 0.3,
  /** Per scan: its page is cut short, even to no items. */
  shortPage: 0.3,
  /** Per put: 409, another put of the key is in progress. */
  conflict: 0.2,
  /** Per invocation: its clock is off. */
  clockSkew: 0.5,
  /** Per data file put: the application deletes or changes the last item of the file. */
  writeAtCursor: 0.3,
} as const;

/**
 * Per announcement: it is lost with its record of the table's stream. It is not in `RATES_MAX`, and is drawn last, so
 * that each seed keeps its scenario. Of the seeds `rate` have it, and at most at the rate `max`.
 */
const LOST_ANNOUNCEMENT = { rate: 0.2, max: 0.7 } as const;

/** Faults that happen a number of times: how likely a seed has them, and the highest number. */
const COUNTS_MAX = {
  /** A message is lost altogether. */
  lostMessage: { rate: 0.15, most: 2 },
  /** The permission to read and write tables and buckets is revoked for up to ten minutes. */
  revokedPermission: { rate: 0.1, most: 1 },
} as const;

type DrawnFaultName = keyof typeof RATES_MAX;
export type RatedFaultName = DrawnFaultName | "lostAnnouncement";
export type CountedFaultName = keyof typeof COUNTS_MAX;
export type FaultName = RatedFaultName | CountedFaultName;

/** The rates of a run. */
export type FaultRates = Readonly<Record<RatedFaultName, number>>;
/** How many times each counted fault happens in a run. */
export type FaultCounts = Readonly<Record<CountedFaultName, number>>;

const drawnFaultNames = Object.keys(RATES_MAX) as DrawnFaultName[];
export const ratedFaultNames: readonly RatedFaultName[] = [...drawnFaultNames, "lostAnnouncement"];
const countedFaultNames = Object.keys(COUNTS_MAX) as CountedFaultName[];
export const faultNames: readonly FaultName[] = [...ratedFaultNames, ...countedFaultNames];

/** No fault at all. */
export const noFaults: FaultRates = Object.fromEntries(
  ratedFaultNames.map((name) => [name, 0]),
) as FaultRates;

/** How much more often than usual a run's dominant fault happens, and its highest rate. */
const DOMINANT_TIMES = 8;
const DOMINANT_RATE_MAX = 0.5;

/**
 * A seed's fault rates besides that of lost announcements: some are 0, others are low or high, and in half of the seeds one
 * fault dominates.
 */
export function faultRatesOf(rng: Rng): FaultRates {
  const intensity = rng.pick([0, 0.15, 0.5, 1]);
  const dominant = rng.happens(0.5) ? rng.pick(drawnFaultNames) : undefined;
  const rate = (name: DrawnFaultName) => {
    if (name === dominant) return Math.min(DOMINANT_RATE_MAX, RATES_MAX[name] * DOMINANT_TIMES);
    return rng.happens(0.4) ? 0 : RATES_MAX[name] * intensity * rng.pick([0.1, 0.4, 1]);
  };
  const drawn = drawnFaultNames.map((name) => [name, rate(name)] as const);
  return { ...noFaults, ...Object.fromEntries(drawn) };
}

/** The rate of lost announcements. */
export function lostAnnouncementRateOf({ happens, random }: Rng): number {
  return happens(LOST_ANNOUNCEMENT.rate) ? LOST_ANNOUNCEMENT.max * random() : 0;
}

/** A seed's counted faults. */
export function faultCountsOf({ some }: Rng): FaultCounts {
  const counts = countedFaultNames.map((name) => [name, some(COUNTS_MAX[name].rate, COUNTS_MAX[name].most)]);
  return Object.fromEntries(counts) as FaultCounts;
}
