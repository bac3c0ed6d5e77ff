/** The Lambda function on `restore-queue`. */
import { wireWorker } from "../lambda/wiring.ts";
import { workerHandler } from "../lambda/worker.ts";

export const handler = workerHandler(() => wireWorker("restore"));
