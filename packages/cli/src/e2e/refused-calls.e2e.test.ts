/**
 * What the ferry command says when AWS refuses its calls, or something else answers: against a server that answers each call with one error.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { oneProcess } from "./one-process.ts";

/** An error as DynamoDB's protocol and as S3's have it: status, code, message. */
interface Refusal {
  readonly dynamodb: readonly [number, string, string];
  readonly s3: readonly [number, string, string];
}

const refusals: Readonly<Record<string, Refusal>> = {
  expired: {
    dynamodb: [400, "ExpiredTokenException", "The security token included in the request is expired"],
    s3: [400, "ExpiredToken", "The provided token has expired."],
  },
  unknownKey: {
    dynamodb: [400, "UnrecognizedClientException", "The security token included in the request is invalid."],
    s3: [403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."],
  },
  denied: {
    dynamodb: [400, "AccessDeniedException", "User: me is not authorized to perform: dynamodb:DescribeTable"],
    s3: [403, "AccessDenied", "Access Denied"],
  },
  noKey: {
    dynamodb: [400, "AccessDeniedException", "KMS key access denied"],
    s3: [403, "AccessDenied", "User: me is not authorized to perform: kms:Decrypt"],
  },
  lateClock: {
    dynamodb: [400, "InvalidSignatureException", "Signature expired: 1 is now earlier than 2"],
    s3: [403, "RequestTimeTooSkewed", "The difference between the times is too large."],
  },
};

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const commands = oneProcess();
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    request.on("end", () => answer(request, response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function refuse({ dynamodb, s3 }: Refusal) {
  return (request: IncomingMessage, response: ServerResponse) => {
    const isS3 = request.headers["x-amz-target"] === undefined;
    const [status, code, message] = isS3 ? s3 : dynamodb;
    const body = isS3
      ? `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`
      : JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message });
    response.writeHead(status, { "content-type": isS3 ? "application/xml" : "application/x-amz-json-1.0" });
    // The answer to a HEAD has no body, and thus no reason.
    response.end(request.method === "HEAD" ? undefined : body);
  };
}

function run(args: readonly string[]) {
  const { port } = server.address() as AddressInfo;
  return commands.run(args, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "key",
    AWS_SECRET_ACCESS_KEY: "secret",
  });
}

const backup = ["backup", "orders", "s3://archives/x", "--stage", "production", "--detach"];
const inspect = ["inspect", "s3://archives/x"];
const estimate = ["estimate", "orders"];
const SIGN_IN = "Sign in again, for instance with `aws sso login`, or set AWS_PROFILE or --profile.";

test.each<[string, keyof typeof refusals, readonly string[], number, string | RegExp]>([
  ["credentials that expired", "expired", estimate, 5, `The AWS credentials have expired.\n${SIGN_IN}`],
  ["credentials that expired", "expired", inspect, 5, `The AWS credentials have expired.\n${SIGN_IN}`],
  ["credentials that expired", "expired", backup, 5, `The AWS credentials have expired.\n${SIGN_IN}`],
  [
    "an unknown access key",
    "unknownKey",
    backup,
    5,
    /InvalidAccessKeyId: The AWS Access Key .*\nSign in again/,
  ],
  [
    "another's bucket",
    "denied",
    backup,
    5,
    /Access Denied\.\nCheck that your role is allowed s3:ListBucket;/,
  ],
  [
    "another's archive",
    "denied",
    inspect,
    5,
    /Access Denied\.\nCheck that your role is allowed s3:GetObject/,
  ],
  ["another's table", "denied", estimate, 5, "Check that your role is allowed dynamodb:DescribeTable;"],
  [
    "an object whose key is refused",
    "noKey",
    inspect,
    5,
    /kms:Decrypt\.\n.*\(with a KMS key also kms:Decrypt\)/,
  ],
  ["a clock that is late", "lateClock", estimate, 2, /clock of this machine differs .*\nSet the clock/],
  ["a clock that is late", "lateClock", inspect, 2, /clock of this machine differs .*\nSet the clock/],
])("given %s (%s), ferry %j ends with %i", async (_, refusal, args, code, says) => {
  answer = refuse(refusals[refusal]!);
  const ended = await run(args);
  if (typeof says === "string") expect(ended.stderr).toContain(says);
  else expect(ended.stderr).toMatch(says);
  expect(ended.stderr.trimEnd().split("\n")).toHaveLength(2);
  expect(ended.code).toBe(code);
});

test("given a proxy that answers with a page, it says so", async () => {
  answer = (_, response) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<html>Sign in</html>");
  expect(await run(estimate)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /The answer is not one of AWS: Unexpected token '<'.*\nA proxy may have answered\./,
    ),
  });
});
