/** The Lambda function on `restore-queue`. */
import { connectWorker } from "../lambda/connect.ts";
import { workerHandler } from "../lambda/worker.ts";

export const handler = workerHandler(() => connectWorker("restore"));
