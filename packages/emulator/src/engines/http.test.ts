import { expect, test } from "vitest";
import { readScope } from "./http.ts";

const signed = (credential: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=0`,
});

test("the scope is read from the Authorization header", () => {
  expect(readScope(signed("AKID/20260101/eu-west-1/dynamodb/aws4_request"), "/")).toEqual({
    region: "eu-west-1",
    service: "dynamodb",
  });
});

test("the scope is read from a presigned URL", () => {
  const credential = encodeURIComponent("AKID/20260101/us-east-1/s3/aws4_request");
  expect(readScope({}, `/bucket/key?X-Amz-Credential=${credential}&X-Amz-Date=x`)).toEqual({
    region: "us-east-1",
    service: "s3",
  });
});

test("a request without a valid credential has no scope", () => {
  expect(readScope({}, "/")).toBeUndefined();
  expect(readScope({ authorization: "Bearer x" }, "/")).toBeUndefined();
  expect(readScope(signed("AKID/eu-west-1/dynamodb"), "/")).toBeUndefined();
});
