/**
 * How a run's tasks are requested and controlled, beyond what operations.ts does in every run: what callers, operators and
 * applications do rarely, each action at its own rate.
 */
import type { Rng } from "../cloud/scheduler.ts";

/** Another restore, beside the first one. */
export interface Copy {
  /** The index of its destination; 0 is the first restore's. */
  readonly table: number;
  /** The first restore's archive, or one with other versions of the items. */
  readonly archive: "same" | "other";
  readonly mode: "empty-only" | "merge" | "if-absent";
  /** Whether it has the request-id of the first restore. */
  readonly sharedId: boolean;
  /** How long after the first restore it is requested, ms. */
  readonly afterMs: number;
}

/** The actions of actors: how likely a seed has one, and the highest number of times. */
const ACTIONS = {
  /** A different request has a request-id that was used before. */
  reusedIds: { rate: 0.15, most: 2 },
  /** A request has an invalid or unknown field. */
  malformedRequests: { rate: 0.2, most: 2 },
  /** A retry is delivered again some time later. */
  redeliveredRetries: { rate: 0.3, most: 3 },
  /** A task is cancelled and retried, its new attempt is cancelled, and the retry is delivered again. */
  cancelledRetries: { rate: 0.2, most: 2 },
  /** A task is retried each time it fails. */
  repeatedRetries: { rate: 0.1, most: 15 },
  /** The projector is paused for minutes. */
  projectorPauses: { rate: 0.2, most: 2 },
  /** When the fault phase ends, the projector is paused and every unsuccessful task is retried. */
  retriesDuringLag: { rate: 0.15, most: 1 },
  /** An operator deletes a row, and its request is delivered again. */
  deletedRows: { rate: 0.1, most: 1 },
  /** A table is deleted and created again while a task works on it. */
  recreations: { rate: 0.1, most: 1 },
  /** An archive is replaced while a restore reads it. */
  archiveReplacements: { rate: 0.3, most: 1 },
  /** task.json or table.json is deleted. */
  objectDeletions: { rate: 0.1, most: 1 },
  /** The application writes to a table whose restore failed, before it is retried. */
  earlyUses: { rate: 0.15, most: 1 },
  /** A cancel names an attempt or a task that does not exist. */
  unknownCancels: { rate: 0.15, most: 2 },
} as const;

export type ActionName = keyof typeof ACTIONS;

export interface ScenarioControl {
  /** The account that requests name as the bucket's owner. */
  readonly bucketOwner: string | undefined;
  /** The key that backups encrypt with. */
  readonly kmsKey: string | undefined;
  /** How long an attempt may take, ms. */
  readonly taskTimeoutMs: number;
  /** Whether cancels and retries name the attempt that the row shows. */
  readonly namedAttempts: boolean;
  readonly copies: readonly Copy[];
  readonly actions: Readonly<Record<ActionName, number>>;
}

/** The account that owns the bucket. */
export const BUCKET_OWNER = "111122223333";
/** Destinations, including the first restore's. */
export const DESTINATIONS_MAX = 3;
const KMS_KEY = "alias/archives";
const WEEK_MS = 7 * 24 * 3_600_000;
const TIMEOUT_MS_MIN = 60_000;
const TIMEOUT_MS_MAX = 2 * 3_600_000;
const TIMEOUT_RATE = 0.2;
const COPIES_RATE = 0.3;
const COPY_DELAY_MS_MAX = 60_000;

const actionNames = Object.keys(ACTIONS) as ActionName[];

/** No rare action. */
export const plainControl: ScenarioControl = {
  bucketOwner: undefined,
  kmsKey: undefined,
  taskTimeoutMs: WEEK_MS,
  namedAttempts: false,
  copies: [],
  actions: Object.fromEntries(actionNames.map((name) => [name, 0])) as ScenarioControl["actions"],
};

/** A seed's control. */
export function controlOf(rng: Rng): ScenarioControl {
  const { happens, magnitude, between, some } = rng;
  const times = (name: ActionName) => some(ACTIONS[name].rate, ACTIONS[name].most);
  return {
    bucketOwner: happens(0.3) ? BUCKET_OWNER : undefined,
    kmsKey: happens(0.3) ? KMS_KEY : undefined,
    taskTimeoutMs: happens(TIMEOUT_RATE) ? Math.floor(magnitude(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX)) : WEEK_MS,
    namedAttempts: happens(0.5),
    copies: happens(COPIES_RATE) ? Array.from({ length: between(1, 3) }, (_, n) => copyOf(n, rng)) : [],
    actions: Object.fromEntries(actionNames.map((name) => [name, times(name)])) as ScenarioControl["actions"],
  };
}

function copyOf(n: number, { happens, pick, magnitude }: Rng): Copy {
  const sameTable = happens(0.5);
  const sharedId = happens(0.5);
  const atOnce = happens(0.5);
  const table = sameTable ? 0 : 1 + (n % (DESTINATIONS_MAX - 1));
  return {
    table,
    archive: pick(["same", "other"] as const),
    mode: pick(["empty-only", "merge", "if-absent"] as const),
    sharedId,
    afterMs: atOnce ? 0 : Math.floor(magnitude(1, COPY_DELAY_MS_MAX)),
  };
}
