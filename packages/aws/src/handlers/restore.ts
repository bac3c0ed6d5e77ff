/** The Lambda function on `restore-queue`. */
import { connectWorker } from "./connect.ts";
import { workerHandler } from "./worker.ts";

export const handler = workerHandler(() => connectWorker("restore"));
