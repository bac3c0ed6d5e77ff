import { FerryError, permanent } from "@ferry/core/errors/errors";
import { describe, expect, it } from "vitest";
import { ferryError, httpStatusOf, onTable, translateErrors } from "./errors.ts";

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
    expect(error).toMatchObject({
      kind,
      code,
      ...call,
      cause,
      message: `Scan on table orders in eu-west-1 failed: ${name}: because.`,
    });
    expect(error.hint).not.toBe("");
  });

  /** Names with every spelling that AWS's services use. */
  const names: Record<string, readonly [kind: string, code: string, names: readonly string[]]> = {
    throttling: [
      "throttled",
      "throttled",
      [
        ...[
          "Throttling",
          "ThrottlingException",
          "ThrottlingError",
          "KMS.Throttling",
          "KMS.ThrottlingException",
        ],
        ...["KMSThrottlingException", "Throttled", "ThrottledException", "RequestLimitExceeded", "SlowDown"],
        ...["ProvisionedThroughputExceeded", "ProvisionedThroughputExceededException", "RequestThrottled"],
        ...["RequestThrottledException", "TooManyRequests", "TooManyRequestsException"],
        "BandwidthLimitExceeded",
      ],
    ],
    "an unusable key": [
      "permanent",
      "key-not-usable",
      [
        ...["KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException", "KMSNotFound"],
        ...["KMSInvalidStateException", "KMS.InvalidKeyUsageException", "KMS.AccessDeniedException"],
        ...["KMSAccessDenied", "KMS.OptInRequired", "KMSKMSDisabledException"],
      ],
    ],
    "refused credentials": [
      "permanent",
      "credentials-refused",
      [
        ...[
          "UnrecognizedClient",
          "UnrecognizedClientException",
          "InvalidClientTokenId",
          "InvalidAccessKeyId",
        ],
        ...["InvalidSignature", "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature"],
        ...[
          "IncompleteSignatureException",
          "MissingAuthenticationToken",
          "MissingAuthenticationTokenException",
        ],
        ...["InvalidToken", "NotSignedUp", "OptInRequired"],
      ],
    ],
    "an invalid request": [
      "permanent",
      "invalid-request",
      [
        ...["ValidationException", "ValidationError", "SerializationException", "InvalidRequest"],
        ...["ItemCollectionSizeLimitExceeded", "ItemCollectionSizeLimitExceededException", "InvalidArgument"],
        ...["InvalidBucketName", "InvalidParameter", "InvalidParameterValue", "InvalidParameterException"],
        ...[
          "InvalidEndpointException",
          "EntityTooLarge",
          "MetadataTooLarge",
          "KeyTooLong",
          "KeyTooLongError",
        ],
        ...["MethodNotAllowed", "InvalidStorageClass", "UnknownOperationException"],
      ],
    ],
    "another region": [
      "permanent",
      "wrong-region",
      ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"],
    ],
    "a missing table": ["permanent", "no-such-table", ["ResourceNotFound", "TableNotFoundException"]],
    "a table in use": ["permanent", "table-not-active", ["ResourceInUseException", "TableInUseException"]],
    "denied access": [
      "permanent",
      "access-denied",
      ["AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden"],
    ],
  };

  it.each(
    Object.entries(names).flatMap(([what, [kind, code, all]]) => all.map((name) => [name, what, kind, code])),
  )("%s is %s, whatever the status", (name, _, kind, code) => {
    expect(ferryError(thrown(name, 400), call)).toMatchObject({ kind, code });
    expect(ferryError(thrown(name), call)).toMatchObject({ kind, code });
  });

  it.each([
    "ExpiredToken",
    "RequestExpired",
    "TokenRefreshRequired",
    "RequestTimeTooSkewed",
    "RequestTimeout",
  ])("%s, also with a suffix, is transient even with the status 403", (name) => {
    for (const one of [name, `${name}Exception`])
      expect(ferryError(thrown(one, 403), call)).toMatchObject({ kind: "transient", code: "service-error" });
  });

  // A name that only contains a known one is of an unknown error: a retry is the safe choice.
  it.each(
    Object.entries(names)
      .flatMap(([, [, , all]]) => all)
      .flatMap((name) => [`My${name}`, `${name}2`])
      .filter((name) => !/^(ResourceNotFound|TableNotFound|AccessDenied|AllAccessDisabled)/.test(name)),
  )("%s is not known, and therefore transient", (name) => {
    expect(ferryError(thrown(name, 400), call)).toMatchObject({ kind: "transient", code: "service-error" });
  });

  it("an unknown name that contains one of an expired credential is classified by its status", () => {
    expect(ferryError(thrown("MyExpiredToken", 403), call)).toMatchObject({ code: "access-denied" });
  });

  it.each([
    "The security token included in the request is expired",
    "The security token is expired",
    "SIGNATURE EXPIRED",
  ])("is transient if its message is %j", (message) => {
    expect(ferryError(thrown("InvalidToken", 403, message), call).kind).toBe("transient");
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
    ["HeadBucket", "s3:ListBucket"],
    ["DescribePipe", "pipes:DescribePipe"],
    ["DescribeEventBus", "events:DescribeEventBus"],
    ["GetAccountSettings", "lambda:GetAccountSettings"],
    ["PutEvents", "events:PutEvents"],
    ["GetObject", "s3:GetObject and s3:ListBucket"],
    ["ChangeMessageVisibility", "sqs:ChangeMessageVisibility"],
  ])("given access denied to %s, the hint names %s", (operation, permission) => {
    expect(ferryError(thrown("AccessDenied", 403), { ...call, operation }).hint).toContain(permission);
  });

  it.each([
    ["GetObject", "the bucket's policy", "the resource's own policy"],
    ["Scan", "the resource's own policy", "the bucket's policy"],
  ])("given access denied to %s, the hint names %s, not %s", (operation, named, other) => {
    const { hint } = ferryError(thrown("AccessDenied", 403), { ...call, operation });
    expect(hint).toContain(named);
    expect(hint).not.toContain(other);
  });

  it("of a table is reported with its name and region", () => {
    expect(onTable("Scan", { region: "eu-west-1", name: "orders" })).toEqual(call);
  });

  it("a call that succeeds returns its result", async () => {
    expect(await translateErrors(call, async () => 5)).toBe(5);
  });

  it("a FerryError is rethrown unchanged", async () => {
    const details = { operation: "a", resource: "b", message: "c", hint: "d" };
    const error = permanent("corrupt-file", details);
    await expect(translateErrors(call, () => Promise.reject(error))).rejects.toBe(error);
  });

  it.each([
    ["odd", "Error: odd"],
    [undefined, "Error: undefined"],
    [null, "Error: null"],
  ])("of the value %j has the message %j", (value, message) => {
    expect(ferryError(value, call).message).toBe(`Scan on table orders in eu-west-1 failed: ${message}.`);
    expect(httpStatusOf(value)).toBeUndefined();
  });

  it("a thrown value that is not an Error becomes a FerryError", async () => {
    await expect(translateErrors(call, () => Promise.reject("odd"))).rejects.toBeInstanceOf(FerryError);
    await expect(translateErrors(call, () => Promise.reject(undefined))).rejects.toMatchObject({
      kind: "transient",
      ...call,
    });
  });
});
