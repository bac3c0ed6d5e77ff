/** The Lambda function on `projection-queue`. It reads the links `BackupTable`, `RestoreTable` and `SegmentTable`. */
import { retryingDynamodbClient } from "../clients.ts";
import { tableName } from "../links.ts";
import { statusStore } from "../status-store.ts";
import { projectorHandler } from "./projector.ts";
import { loggerOf, metricsOf } from "./telemetry.ts";

export const handler = projectorHandler(() => ({
  store: statusStore(retryingDynamodbClient(), {
    backup: tableName("BackupTable"),
    restore: tableName("RestoreTable"),
    segment: tableName("SegmentTable"),
  }),
  logger: loggerOf("projection"),
  publish: metricsOf("projection"),
}));
