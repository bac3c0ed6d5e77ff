/**
 * The settings of a stage, as the link `Settings` carries them: core's settings and those of the queues.
 */
import { defaultSettings, SEGMENTS_MAX, type Settings } from "@ferry/core/settings";
import * as v from "valibot";

/** The settings of a worker on AWS. */
export interface WorkerSettings extends Settings {
  /** How long a message stays invisible after its first failure, s. It doubles with each receive. */
  readonly retryDelaySeconds: number;
}

const whole = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const DAY_MS = 24 * 3_600_000;
const TIB = 1024 ** 4;

const workerSettingsSchema = v.object({
  maximumSegments: v.optional(whole(1, SEGMENTS_MAX), defaultSettings.maximumSegments),
  sliceBudgetMs: v.optional(whole(1, DAY_MS), defaultSettings.sliceBudgetMs),
  progressIntervalMs: v.optional(whole(1, DAY_MS), defaultSettings.progressIntervalMs),
  cancelPollIntervalMs: v.optional(whole(1, DAY_MS), defaultSettings.cancelPollIntervalMs),
  batchSpacingMs: v.optional(whole(0, DAY_MS), defaultSettings.batchSpacingMs),
  compressionLevel: v.optional(whole(1, 9), defaultSettings.compressionLevel),
  maxHandoffsWithoutProgress: v.optional(whole(1, 1_000_000), defaultSettings.maxHandoffsWithoutProgress),
  taskTimeoutMs: v.optional(whole(1, 366 * DAY_MS), defaultSettings.taskTimeoutMs),
  maximumFileBytesInMemory: v.optional(whole(1, TIB), defaultSettings.maximumFileBytesInMemory),
  maximumFileBytes: v.optional(whole(1, TIB), defaultSettings.maximumFileBytes),
  retryDelaySeconds: v.optional(whole(0, 43_200), 5),
}) satisfies v.GenericSchema<unknown, WorkerSettings>;

/** Reads a link's value; absent fields have their defaults. Throws a ValiError if a field is invalid. */
export function parseSettings(link: unknown): WorkerSettings {
  return v.parse(workerSettingsSchema, link);
}
