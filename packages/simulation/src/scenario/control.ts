/**
 * How a run's tasks are asked for and steered, beyond what people.ts does in every run: what callers, operators and other
 * programs do rarely, each at a rate of its own.
 */
import type { Rng } from "../cloud/scheduler.ts";
import type { Scenario } from "./scenario.ts";

/** A restore beside the first one. */
export interface Copy {
  /** Which destination: 0 is the first restore's. */
  readonly table: number;
  /** Which archive: the first restore's, or another one with other versions of the items. */
  readonly archive: "same" | "other";
  readonly mode: "empty-only" | "merge" | "if-absent";
  /** Whether it is asked with the request-id of the first restore. */
  readonly sharedId: boolean;
  /** When it is asked, after the first one, ms. */
  readonly afterMs: number;
}

/** What actors do, how many times each. */
const ACTIONS = {
  /** Another request is asked with an id that was used. */
  reusedIds: { rate: 0.15, most: 2 },
  /** A request that lacks a field, or has a wrong one. */
  malformed: { rate: 0.2, most: 2 },
  /** A retry is delivered once more, some time later. */
  doubledRetries: { rate: 0.3, most: 3 },
  /** A task is retried, cancelled once the retry was accepted, and the retry is delivered once more. */
  relapses: { rate: 0.2, most: 2 },
  /** A task is retried again and again, as it fails. */
  persistence: { rate: 0.1, most: 15 },
  /** The projector does nothing for minutes. */
  lags: { rate: 0.2, most: 2 },
  /** The projector is behind when the storm ends, and all that did not succeed is retried at once. */
  hasty: { rate: 0.15, most: 1 },
  /** An operator deletes a row, and its request is delivered once more. */
  deletedRows: { rate: 0.1, most: 1 },
  /** A table is deleted and created again while a task works on it. */
  recreations: { rate: 0.1, most: 1 },
  /** An archive is replaced while a restore reads it. */
  rewrites: { rate: 0.3, most: 1 },
  /** task.json or table.json is deleted. */
  removals: { rate: 0.1, most: 1 },
  /** The application writes to a table whose restore failed, before it is retried. */
  earlyUses: { rate: 0.15, most: 1 },
  /** A cancel names an attempt far ahead. */
  farCancels: { rate: 0.15, most: 2 },
} as const;

export type ActionName = keyof typeof ACTIONS;

export interface Control {
  /** The account that requests expect the bucket to belong to. */
  readonly bucketOwner: string | undefined;
  /** The key that backups encrypt with. */
  readonly kmsKey: string | undefined;
  /** How long an attempt may take, ms. */
  readonly taskTimeoutMs: number;
  /** Whether retries name the attempt that their operator saw. */
  readonly namedAttempts: boolean;
  readonly copies: readonly Copy[];
  readonly actions: Readonly<Record<ActionName, number>>;
}

/** The account that the bucket belongs to. */
export const BUCKET_OWNER = "111122223333";
/** Destinations, the first restore's among them. */
export const DESTINATIONS_MAX = 3;
const KMS_KEY = "alias/archives";
const WEEK_MS = 7 * 24 * 3_600_000;
const TIMEOUT_MS_MIN = 60_000;
const TIMEOUT_MS_MAX = 2 * 3_600_000;
const TIMEOUT_RATE = 0.2;
const COPIES_RATE = 0.3;
const COPY_DELAY_MS_MAX = 60_000;

const actionNames = Object.keys(ACTIONS) as ActionName[];

/** Nothing out of the ordinary. */
export const plainControl: Control = {
  bucketOwner: undefined,
  kmsKey: undefined,
  taskTimeoutMs: WEEK_MS,
  namedAttempts: false,
  copies: [],
  actions: Object.fromEntries(actionNames.map((name) => [name, 0])) as Control["actions"],
};

/** A seed's control. */
export function controlOf(chance: Rng): Control {
  const { happens, magnitude, between } = chance;
  const times = (name: ActionName) => {
    const { rate, most } = ACTIONS[name];
    return happens(rate) ? between(1, most) : 0;
  };
  return {
    bucketOwner: happens(0.3) ? BUCKET_OWNER : undefined,
    kmsKey: happens(0.3) ? KMS_KEY : undefined,
    taskTimeoutMs: happens(TIMEOUT_RATE) ? Math.floor(magnitude(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX)) : WEEK_MS,
    namedAttempts: happens(0.5),
    copies: happens(COPIES_RATE) ? Array.from({ length: between(1, 3) }, (_, n) => copyOf(n, chance)) : [],
    actions: Object.fromEntries(actionNames.map((name) => [name, times(name)])) as Control["actions"],
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

/** Of an archive that is broken or holds changes there are no copies; what is replaced is read by one. */
function copiesFor({ data }: Pick<Scenario, "data">, { copies, actions }: Control): readonly Copy[] {
  if (data.source.fault !== undefined || data.source.kind === "incremental") return [];
  if (actions.rewrites === 0 || copies.some(({ archive }) => archive === "other")) return copies;
  return [...copies, { table: 1, archive: "other", mode: "empty-only", sharedId: false, afterMs: 0 }];
}

/** The scenario with what its control says in its requests and settings. */
export function withControl(scenario: Omit<Scenario, "control">, control: Control): Scenario {
  const { bucketOwner, kmsKey, taskTimeoutMs } = control;
  const owner = bucketOwner !== undefined && { "bucket-owner": bucketOwner };
  return {
    ...scenario,
    control: { ...control, copies: copiesFor(scenario, control) },
    backup: { ...scenario.backup, ...owner, ...(kmsKey !== undefined && { "kms-key-id": kmsKey }) },
    restore: { ...scenario.restore, ...owner },
    settings: { ...scenario.settings, taskTimeoutMs },
  };
}
