/** The Lambda function that consumes `restore-queue`. */
import { wireWorker } from "../lambda/wiring.ts";
import { workerHandler } from "../lambda/worker.ts";

export const handler = workerHandler(() => wireWorker("restore"));
