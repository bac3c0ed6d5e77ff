/**
 * Faults that happen a number of times in the fault phase: messages that are lost, permissions that are revoked.
 */
import type { FaultPhase } from "../scenario/fault-phase.ts";
import type { FaultCounts } from "../scenario/fault-rates.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Rng, Scheduler } from "./scheduler.ts";

/** Never lost: a task that was not accepted cannot be retried, only requested again. */
const NEVER_LOST = new Set([
  "TaskRequested",
  "TaskRejected",
  "TaskRetryRequested",
  "TaskCancelRequested",
  "SegmentProgressed projection-queue",
]);
const DENIED_MS_MIN = 1000;
const DENIED_MS_MAX = 600_000;

export function createOutages(
  { faultCounts, drawn }: Pick<Scenario, "faultCounts" | "drawn">,
  around: {
    readonly scheduler: Scheduler;
    readonly rng: Rng;
    readonly faultPhase: FaultPhase;
    readonly log: (line: () => string) => void;
  },
) {
  const { scheduler, rng, faultPhase, log } = around;
  const drawnCounts = drawn?.faultCounts ?? faultCounts;
  /** The types of the lost messages. */
  const lostTypes: string[] = [];
  let isDenied = false;
  let toLose = 0;

  function times(name: keyof FaultCounts, act: () => void): void {
    faultPhase.schedule(drawnCounts[name], () => {
      if (faultCounts[name] > 0) act();
    });
  }

  return {
    lostTypes,
    /** Whether the permission to read and write tables and buckets is revoked now. */
    isDenied: () => isDenied,
    /** Whether this message is lost. */
    loses(queue: string, type: string) {
      if (toLose === 0 || NEVER_LOST.has(type) || NEVER_LOST.has(`${type} ${queue}`)) return false;
      // An acceptance that is lost on both of its ways leaves nothing to retry.
      if (type === "TaskAccepted" && lostTypes.includes(type)) return false;
      toLose--;
      lostTypes.push(type);
      return true;
    },
    /** Schedules them over the fault phase. */
    begin() {
      times("lostMessage", () => {
        toLose++;
      });
      times("revokedPermission", () => {
        isDenied = true;
        log(() => "the permissions are revoked");
        scheduler.after(rng.between(DENIED_MS_MIN, DENIED_MS_MAX), () => {
          isDenied = false;
        });
      });
    },
    /** From now on no message is lost, and no permission is revoked. */
    end() {
      isDenied = false;
      toLose = 0;
    },
  };
}
