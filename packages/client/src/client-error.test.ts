import { FerryError } from "@ferry/core/errors/errors";
import { expect, test } from "vitest";
import { explained } from "./client-error.ts";

const call = { operation: "Query", resource: "table t" };
const sdkError = (name: string, message: string) => Object.assign(new Error(message), { name });
const inFerryError = (cause: Error) =>
  new FerryError("transient", "service-error", {
    operation: "Query",
    resource: "table t",
    message: `Query on table t failed: ${cause.name}: ${cause.message}.`,
    hint: "The queue delivers the message again; if the error persists, check the AWS Health Dashboard.",
    cause,
  });

test.each([
  [
    "expired credentials",
    sdkError("ExpiredTokenException", "The security token included in the request is expired"),
    ["refused", "credentials-expired", "The AWS credentials have expired.", /aws sso login/],
  ],
  [
    "a clock that is late, from DynamoDB",
    sdkError("InvalidSignatureException", "Signature expired: 1 is now earlier than 2"),
    [
      "usage",
      "wrong-clock",
      "The clock of this machine differs from that of AWS: Signature expired: 1 is now earlier than 2.",
      /Set the clock/,
    ],
  ],
  [
    "a clock that is wrong, from S3",
    sdkError("RequestTimeTooSkewed", "The difference is too large."),
    [
      "usage",
      "wrong-clock",
      "The clock of this machine differs from that of AWS: The difference is too large.",
      /Set the clock/,
    ],
  ],
  [
    "a proxy's page",
    sdkError(
      "SyntaxError",
      "Unexpected token '<', \"<html>\" is not valid JSON\n  Deserialization error: to see the raw response, inspect the hidden field {error}.$response on this object.",
    ),
    [
      "failed",
      "no-connection",
      "The answer is not one of AWS: Unexpected token '<', \"<html>\" is not valid JSON.",
      /A proxy may have answered/,
    ],
  ],
  [
    "another error of a service",
    sdkError("InternalFailure", "x"),
    [
      "failed",
      "service-error",
      "Query on table t failed: InternalFailure: x.",
      /^Run it again; if the error persists, check the AWS Health Dashboard\.$/,
    ],
  ],
] as const)("%s: one line that says what is wrong, and one that says what to do", (_, cause, expected) => {
  const [group, code, message, hint] = expected;
  const error = explained(inFerryError(cause), call);
  expect({ group: error.group, code: error.code, message: error.message }).toEqual({ group, code, message });
  expect(error.hint).toMatch(hint);
});
