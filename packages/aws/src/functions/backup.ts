/** The Lambda function on `backup-queue`. */
import { wireWorker } from "../lambda/wiring.ts";
import { workerHandler } from "../lambda/worker.ts";

export const handler = workerHandler(() => wireWorker("backup"));
