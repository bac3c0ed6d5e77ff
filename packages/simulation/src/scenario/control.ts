/**
 * How a run's tasks are asked for and steered, beyond what people.ts does in every run: odd request fields, short
 * deadlines.
 */
import type { Chance } from "../cloud/scheduler.ts";
import type { Scenario } from "./scenario.ts";

export interface Control {
  /** The account that requests expect the bucket to belong to. */
  readonly bucketOwner: string | undefined;
  /** The key that backups encrypt with. */
  readonly kmsKey: string | undefined;
  /** How long an attempt may take, ms. */
  readonly taskTimeoutMs: number;
}

/** The account that the bucket belongs to. */
export const BUCKET_OWNER = "111122223333";
const KMS_KEY = "alias/archives";
const WEEK_MS = 7 * 24 * 3_600_000;
const TIMEOUT_MS_MIN = 60_000;
const TIMEOUT_MS_MAX = 2 * 3_600_000;
const TIMEOUT_RATE = 0.2;

/** Nothing out of the ordinary. */
export const plainControl: Control = {
  bucketOwner: undefined,
  kmsKey: undefined,
  taskTimeoutMs: WEEK_MS,
};

/** A seed's control. */
export function controlOf({ happens, magnitude }: Chance): Control {
  return {
    ...plainControl,
    bucketOwner: happens(0.3) ? BUCKET_OWNER : undefined,
    kmsKey: happens(0.3) ? KMS_KEY : undefined,
    taskTimeoutMs: happens(TIMEOUT_RATE) ? Math.floor(magnitude(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX)) : WEEK_MS,
  };
}

/** The scenario with what its control says in its requests and settings. */
export function withControl(scenario: Omit<Scenario, "control">, control: Control): Scenario {
  const { bucketOwner, kmsKey, taskTimeoutMs } = control;
  const owner = bucketOwner !== undefined && { "bucket-owner": bucketOwner };
  return {
    ...scenario,
    control,
    backup: { ...scenario.backup, ...owner, ...(kmsKey !== undefined && { "kms-key-id": kmsKey }) },
    restore: { ...scenario.restore, ...owner },
    settings: { ...scenario.settings, taskTimeoutMs },
  };
}
