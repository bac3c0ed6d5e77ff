/**
 * The wait between tries. It comes in from outside, so that the simulation's is of its own clock and chance.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Waits for a random part of `msMax`. */
export type Jitter = (msMax: number) => Promise<void>;

/** Full jitter. Source: AWS, "Exponential backoff and jitter". */
export const jitter: Jitter = (msMax) => sleep(Math.random() * msMax);
