/** The Lambda function on `backup-queue`. */
import { connectWorker } from "./connect.ts";
import { workerHandler } from "./worker.ts";

export const handler = workerHandler(() => connectWorker("backup"));
