/**
 * The wait between tries. Callers may replace it: the simulation uses its own clock and random numbers.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Waits for a random time of at most `msMax`. */
export type Jitter = (msMax: number) => Promise<void>;

/** Full jitter. Source: AWS, "Exponential backoff and jitter". */
export const jitter: Jitter = (msMax) => sleep(Math.random() * msMax);
