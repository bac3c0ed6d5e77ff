import { FerryError, permanent } from "@ferry/core/errors";
import { describe, expect, it } from "vitest";
import { ferryError, translateErrors } from "./errors.ts";

const call = { operation: "Scan", resource: "table orders in eu-west-1" };

function thrown(name: string, status?: number, message = "because"): Error {
  return Object.assign(new Error(message), {
    name,
    ...(status !== undefined && { $metadata: { httpStatusCode: status } }),
  });
}

describe("an error of the SDK", () => {
  it.each([
    // Throttling.
    ["ProvisionedThroughputExceededException", 400, "throttled", "throttled"],
    ["RequestLimitExceeded", 400, "throttled", "throttled"],
    ["ThrottlingException", 400, "throttled", "throttled"],
    ["Throttling", 400, "throttled", "throttled"],
    ["TooManyRequestsException", 429, "throttled", "throttled"],
    ["SlowDown", 503, "throttled", "throttled"],
    ["KMSThrottlingException", 400, "throttled", "throttled"],
    ["Whatever", 503, "throttled", "throttled"],
    ["Whatever", 429, "throttled", "throttled"],
    // Errors that a retry cannot mend.
    ["ResourceNotFoundException", 400, "permanent", "no-such-table"],
    ["TableNotFoundException", 400, "permanent", "no-such-table"],
    ["ResourceInUseException", 400, "permanent", "table-not-active"],
    ["NoSuchBucket", 404, "permanent", "no-such-bucket"],
    ["AccessDenied", 403, "permanent", "access-denied"],
    ["AccessDeniedException", 400, "permanent", "access-denied"],
    ["Whatever", 403, "permanent", "access-denied"],
    ["PermanentRedirect", 301, "permanent", "wrong-region"],
    ["Whatever", 301, "permanent", "wrong-region"],
    ["KMS.NotFoundException", 400, "permanent", "key-not-usable"],
    ["KMS.KMSInvalidStateException", 400, "permanent", "key-not-usable"],
    ["UnrecognizedClientException", 400, "permanent", "credentials-refused"],
    ["SignatureDoesNotMatch", 403, "permanent", "credentials-refused"],
    ["ValidationException", 400, "permanent", "invalid-request"],
    ["SerializationException", 400, "permanent", "invalid-request"],
    ["InvalidObjectState", 403, "permanent", "object-not-readable"],
    // Errors that a retry may mend.
    ["ExpiredTokenException", 400, "transient", "service-error"],
    ["ExpiredToken", 403, "transient", "service-error"],
    ["RequestTimeTooSkewed", 403, "transient", "service-error"],
    ["TimeoutError", undefined, "transient", "service-error"],
    ["InternalServerError", 500, "transient", "service-error"],
    ["KMSInternalException", 500, "transient", "service-error"],
    ["CredentialsProviderError", undefined, "transient", "service-error"],
    ["TypeError", undefined, "transient", "service-error"],
  ])("%s with status %s is %s: %s", (name, status, kind, code) => {
    const cause = thrown(name, status);
    const error = ferryError(cause, call);
    expect(error).toMatchObject({ kind, code, ...call, cause, message: `${name}: because` });
    expect(error.hint).not.toBe("");
  });

  it("an expired signature is transient, a wrong one is permanent", () => {
    const expired = thrown(
      "InvalidSignatureException",
      400,
      "Signature expired: 2026 is now earlier than 2027",
    );
    expect(ferryError(expired, call).kind).toBe("transient");
    expect(ferryError(thrown("InvalidSignatureException", 400), call).kind).toBe("permanent");
  });

  it.each([
    ["Scan", "dynamodb:Scan"],
    ["DescribeTimeToLive", "dynamodb:DescribeTimeToLive"],
    ["PutObject", "s3:PutObject"],
    ["HeadObject", "s3:ListBucket"],
    ["ListObjectsV2", "s3:ListBucket"],
    ["PutEvents", "events:PutEvents"],
  ])("given access denied to %s, the hint names %s", (operation, permission) => {
    expect(ferryError(thrown("AccessDenied", 403), { ...call, operation }).hint).toContain(permission);
  });

  it("a FerryError is rethrown unchanged", async () => {
    const details = { operation: "a", resource: "b", message: "c", hint: "d" };
    const error = permanent("corrupt-file", details);
    await expect(translateErrors(call, () => Promise.reject(error))).rejects.toBe(error);
  });

  it("a thrown value that is not an Error becomes a FerryError", async () => {
    await expect(translateErrors(call, () => Promise.reject("odd"))).rejects.toBeInstanceOf(FerryError);
    await expect(translateErrors(call, () => Promise.reject(undefined))).rejects.toMatchObject({
      kind: "transient",
      ...call,
    });
  });
});
