/** The Lambda function on `backup-queue`. */
import { connectWorker } from "../lambda/connect.ts";
import { workerHandler } from "../lambda/worker.ts";

export const handler = workerHandler(() => connectWorker("backup"));
