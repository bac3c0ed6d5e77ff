/** What a run of the simulation consists of. scenario-of.ts chooses it for a seed. */
import type { Settings } from "@ferry/core/settings/settings";
import type { ScenarioControl } from "./control.ts";
import type { Data } from "./data.ts";
import type { FaultCounts, FaultRates } from "./fault-rates.ts";

export interface Scenario {
  /** A backup; a restore of an archive from the fixtures; or a backup and then its restore. */
  readonly kind: "backup" | "restore" | "both";
  readonly items: number;
  /** The size of an item's filler. */
  readonly itemBytes: number;
  /** The contents of the tables. */
  readonly data: Data;
  /** How many partitions the items are in. With few, most segments are empty. */
  readonly partitions: number;
  /** The size at which a page is cut. */
  readonly pageBytes: number;
  /** The fields of the requests besides table and archive. */
  readonly backup: Readonly<Record<string, unknown>>;
  readonly restore: Readonly<Record<string, unknown>>;
  /** Whether the table's reported size changes, so that a new plan has other segments. */
  readonly grows: boolean;
  /** How many items the restore's table holds before: with keys of the archive, and with others. */
  readonly held: { readonly same: number; readonly others: number };
  /** The first restore has create-table: its table does not exist, or a table that is not Ferry's has its name. */
  readonly newTable?: "absent" | "foreign";
  readonly provisioned: boolean;
  /** By how much the units of every call are multiplied, so that a ceiling has an effect. */
  readonly weight: number;
  /** The number of indexes of the restore's table. */
  readonly indexCount: number;
  readonly settings: Settings;
  readonly timeoutSeconds: number;
  readonly concurrency: number;
  /** How often a worker's message is received before it becomes a dead letter. */
  readonly attempts: number;
  /** Rare requests and operations. */
  readonly control: ScenarioControl;
  readonly faultRates: FaultRates;
  readonly faultCounts: FaultCounts;
  /** The seed's faults, if some of them are switched off: see `selectFaults`. */
  readonly drawn?: { readonly faultRates: FaultRates; readonly faultCounts: FaultCounts };
  /** How long faults happen, ms, and how many at most. */
  readonly faultPhaseMs: number;
  readonly faultsMax: number;
  /** What operators, callers and applications do in the fault phase, how many times each. */
  readonly operations: {
    readonly cancels: number;
    readonly retries: number;
    readonly wipes: number;
    /** Changes of the source table besides those at cursors. */
    readonly writes: number;
    /** The same request again: as a new event, or the same event delivered again. */
    readonly repeats: number;
    /** Another request for the same prefix. */
    readonly prefixConflicts: number;
    /** A request for another prefix in the same second. */
    readonly otherPrefixes: number;
    /** Events that name no task: they fail until they are dead letters. */
    readonly malformedEvents: number;
  };
}

/** The capacity of a provisioned table, units per second of each kind. A task takes half of it. */
export const PROVISIONED_UNITS = 40;
export const PROVISIONED = { readUnits: PROVISIONED_UNITS, writeUnits: PROVISIONED_UNITS };
