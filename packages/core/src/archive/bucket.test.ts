import { backupRequest, bucket } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { BackupPlan } from "../events/events.ts";
import { bucketOf, kmsOf } from "./bucket.ts";

describe("a request's bucket", () => {
  test("has an owner if the request names one", () => {
    const request = backupRequest as never as BackupPlan["request"];
    expect(bucketOf(request)).toStrictEqual(bucket);
    expect(bucketOf({ ...request, "bucket-owner": "123456789012" })).toStrictEqual({
      ...bucket,
      owner: "123456789012",
    });
  });

  test("has a KMS key if the request names one", () => {
    const request = backupRequest as never as BackupPlan["request"];
    expect(kmsOf(request)).toStrictEqual({});
    expect(kmsOf({ ...request, "kms-key-id": "alias/ferry" })).toStrictEqual({ kmsKeyId: "alias/ferry" });
  });
});
