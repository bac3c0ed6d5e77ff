import { createHash, createHmac } from "node:crypto";
import { crc32 } from "node:zlib";
import { DynamoDBClient, type DynamoDBClientConfig, ScanCommand } from "@aws-sdk/client-dynamodb";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ferryError } from "../errors.ts";
import { REGION } from "../testing/dynamodb.ts";
import {
  credentials,
  type Place,
  type Stub,
  type StubAnswer,
  type StubRequest,
  startStub,
} from "../testing/stub-server.ts";
import { leanHttpHandler } from "./lean-http.ts";
import { sendRaw } from "./lean-send.ts";
import { RawProtocol, rawBodyOf } from "./raw-protocol.ts";

const HOUR_MS = 3_600_000;
const input = { TableName: "orders" };
const bytes = (text: string) => new TextEncoder().encode(text);
const ok: StubAnswer = { body: "{}", headers: { "x-amz-crc32": String(crc32("{}")) } };
const failure = (status: number, type: string): StubAnswer => ({
  status,
  headers: { "x-amzn-requestid": "request-1" },
  body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: "because" }),
});

/** A SHA-256 as the SDK's signer takes it. */
class Sha256 {
  #hash: { update(data: Uint8Array): void; digest(): Buffer };
  constructor(secret?: Uint8Array) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret);
  }
  update(data: Uint8Array) {
    this.#hash.update(data);
  }
  async digest() {
    return new Uint8Array(this.#hash.digest());
  }
  reset() {}
}

describe("sendRaw on a stub of DynamoDB", () => {
  let stub: Stub;
  afterEach(async () => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
    await stub.close();
  });

  /** A client of a stub, and how many calls went through the SDK's whole stack. */
  async function start(
    answer: (request: StubRequest, n: number) => StubAnswer,
    config: Partial<DynamoDBClientConfig> = {},
    at: Place = {},
  ) {
    stub = await startStub(answer, at);
    const client = new DynamoDBClient({
      endpoint: stub.endpoint,
      region: REGION,
      credentials,
      protocol: RawProtocol,
      maxAttempts: 1,
      requestHandler: leanHttpHandler({ connectionTimeoutMs: 5000, socketTimeoutMs: 60_000, maxSockets: 8 }),
      ...config,
    });
    const bySdk = vi.spyOn(client, "send");
    const scan = async (body = "{}") => rawBodyOf(await sendRaw(client, ScanCommand, input, bytes(body)));
    return { client, scan, callsOfSdk: () => bySdk.mock.calls.length };
  }

  /** The signature that the SDK's signer gives this request. */
  async function signatureOf(
    { method, headers, body }: StubRequest,
    secretAccessKey: string,
  ): Promise<string> {
    const [, accessKeyId, signed] = /Credential=([^/]+)\/.*SignedHeaders=([^,]+),/.exec(
      headers.authorization!,
    )!;
    const date = String(headers["x-amz-date"]);
    const signer = new SignatureV4({
      credentials: { accessKeyId: accessKeyId!, secretAccessKey },
      region: REGION,
      service: "dynamodb",
      sha256: Sha256 as never,
    });
    const { headers: again } = await signer.sign(
      {
        method,
        protocol: "http:",
        hostname: String(headers.host),
        path: "/",
        headers: Object.fromEntries(signed!.split(";").map((name) => [name, String(headers[name])])),
        body,
      },
      { signingDate: new Date(date.replace(/(....)(..)(..T..)(..)(..)Z/, "$1-$2-$3:$4:$5Z")) },
    );
    return again["authorization"]!;
  }

  it("the first call is the SDK's, later ones have the same headers with a correct signature", async () => {
    const { scan, callsOfSdk } = await start(() => ok);
    for (const body of ["{}", '{"a":"é"}', "x".repeat(100_000)]) await scan(body);
    expect(callsOfSdk()).toBe(1);
    expect(stub.requests.map(({ body }) => body.length)).toEqual([2, 10, 100_000]);
    for (const request of stub.requests) {
      expect(request.headers.authorization).toBe(await signatureOf(request, "test"));
      expect(request.headers["content-length"]).toBe(String(request.body.length));
    }
    const [first, second] = stub.requests.map(({ headers }) => Object.keys(headers).sort());
    expect(second).toEqual(first);
    const ids = stub.requests.map(({ headers }) => headers["amz-sdk-invocation-id"]);
    expect(new Set(ids).size).toBe(3);
  });

  it("an endpoint with an IPv6 address gets all calls, signed for that host", async () => {
    const { scan, callsOfSdk } = await start(() => ok, {}, { host: "::1" });
    await scan();
    await scan('{"Limit":7}');
    expect(callsOfSdk()).toBe(1);
    expect(stub.requests).toHaveLength(2);
    for (const request of stub.requests) {
      expect(request.headers.host).toBe(new URL(stub.endpoint).host);
      expect(request.headers.authorization).toBe(await signatureOf(request, "test"));
    }
  });

  it("at midnight the signing key changes", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 26, 23, 59, 59) });
    const { scan, callsOfSdk } = await start(() => ({ ...ok, headers: { ...ok.headers, age: "1" } }));
    await scan();
    vi.setSystemTime(Date.UTC(2026, 10, 27, 0, 0, 1));
    await scan();
    expect(callsOfSdk()).toBe(1);
    expect(stub.requests[1]!.headers["x-amz-date"]).toBe("20261127T000001Z");
    expect(stub.requests[1]!.headers.authorization).toBe(await signatureOf(stub.requests[1]!, "test"));
  });

  it("a call after the credentials changed goes through the SDK, with the new ones and their token", async () => {
    let key = "first";
    const { scan, callsOfSdk } = await start(() => ok, {
      credentials: async () => ({
        accessKeyId: key,
        secretAccessKey: `${key}-secret`,
        sessionToken: `${key}-token`,
        expiration: new Date(Date.now() - 1),
      }),
    });
    await scan();
    await scan();
    key = "second";
    await scan();
    await scan();
    expect(callsOfSdk()).toBe(2);
    const sent = stub.requests.map(({ headers }) => headers["x-amz-security-token"]);
    expect(sent).toEqual(["first-token", "first-token", "second-token", "second-token"]);
    for (const [i, request] of stub.requests.entries())
      expect(request.headers.authorization).toBe(
        await signatureOf(request, i < 2 ? "first-secret" : "second-secret"),
      );
  });

  it.each([
    ["an error shows that the clock is wrong", failure(400, "InvalidSignatureException")],
    ["an answer shows it", ok],
  ])("when %s, the next call has the server's time", async (_, second) => {
    const date = new Date(Date.now() + HOUR_MS).toUTCString();
    const { scan, callsOfSdk } = await start((_, n) =>
      n === 1 ? { ...second, headers: { ...second.headers, date } } : ok,
    );
    await scan();
    await scan().catch(() => {});
    await scan();
    expect(callsOfSdk()).toBe(1);
    const seconds = (n: number) => Number(String(stub.requests[n]!.headers["x-amz-date"]).slice(9, 11));
    expect(seconds(2)).toBe(new Date(Date.parse(date)).getUTCHours());
    expect(seconds(1)).not.toBe(seconds(2));
  });

  describe("an error is the same as from the SDK, with Ferry's request handler and with its own", () => {
    /** The error of a call that gets this answer: through the SDK with each handler, and like the call before it. */
    async function errorsOf(answer: StubAnswer) {
      const bySdk = [];
      for (const config of [{}, { requestHandler: {} }]) {
        const { scan } = await start(() => answer, config);
        bySdk.push(await thrownBy(scan));
        await stub.close();
      }
      const { scan, callsOfSdk } = await start((_, n) => (n === 0 ? ok : answer));
      await scan();
      const lean = await thrownBy(scan);
      expect(callsOfSdk()).toBe(1);
      expect(stub.requests).toHaveLength(2);
      return { lean, bySdk };
    }

    async function thrownBy(scan: () => Promise<unknown>) {
      const error = await scan().then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      const { kind, code, message } = ferryError(error, { operation: "Scan", resource: "table orders" });
      const { name, $fault, $metadata } = error as Error & {
        $fault?: string;
        $metadata?: { httpStatusCode?: number; requestId?: string };
      };
      return {
        kind,
        code,
        // The SDK adds lines.
        message: message.split("\n")[0]!.replace(/\.$/, ""),
        name,
        $fault,
        status: $metadata?.httpStatusCode,
        awsRequestId: $metadata?.requestId,
        // A logged error must not have the response in it.
        showsResponse: Object.keys(error!).includes("$response"),
      };
    }

    it.each<[string, StubAnswer]>([
      ["throughput exceeded", failure(400, "ProvisionedThroughputExceededException")],
      ["throttling", failure(400, "ThrottlingException")],
      ["503", { status: 503, body: "" }],
      ["500", failure(500, "InternalServerError")],
      ["503 whose body is HTML", { status: 503, body: "<html>Slow down</html>" }],
      ["502 whose body is HTML", { status: 502, body: "<html>Bad Gateway</html>" }],
      ["a redirect", { status: 307, headers: { location: "http://127.0.0.1:1/" }, body: "" }],
      ["expired credentials", failure(400, "ExpiredTokenException")],
      ["a wrong signature", failure(403, "InvalidSignatureException")],
      ["a failed condition", failure(400, "ConditionalCheckFailedException")],
      ["a missing table", failure(400, "ResourceNotFoundException")],
      ["an unknown error", failure(400, "SomethingNew")],
      ["a damaged body", { headers: { "x-amz-crc32": "1" }, body: "{}" }],
    ])("given %s", async (_, answer) => {
      const { lean, bySdk } = await errorsOf(answer);
      expect(bySdk).toEqual([lean, lean]);
    });

    it.each<[string, StubAnswer]>([
      ["half a body", { headers: { "content-length": "22", connection: "close" }, body: "{" }],
      ["a connection that is reset", { reset: true }],
    ])("given %s, except for its name", async (_, answer) => {
      const { lean, bySdk } = await errorsOf(answer);
      expect(bySdk[0]).toEqual(lean);
      const { kind, code } = lean;
      expect(bySdk[1]).toMatchObject({ kind, code });
      expect({ kind, code }).toEqual({ kind: "transient", code: "service-error" });
    });
  });

  it("a refused connection is thrown, and the next call connects again", async () => {
    const { scan } = await start(() => ok);
    await scan();
    const { endpoint } = stub;
    await stub.close();
    await expect(scan()).rejects.toThrow(/ECONNREFUSED|ECONNRESET|socket hang up/);
    stub = await startStub(() => ok, { port: Number(new URL(endpoint).port) });
    expect(Buffer.from(await scan()).toString()).toBe("{}");
  });

  it("a client that tries calls several times sends all of them itself", async () => {
    const { scan, callsOfSdk } = await start((_, n) => (n === 1 ? failure(500, "InternalServerError") : ok), {
      maxAttempts: 3,
    });
    await scan();
    await scan();
    expect(callsOfSdk()).toBe(2);
    expect(stub.requests).toHaveLength(3);
  });

  it.each([
    ["another scheme", "other"],
    [
      "another signature",
      `AWS4-HMAC-SHA256 Credential=test/20261127/${REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`,
    ],
  ])("a client whose signer makes %s sends all calls itself", async (_, authorization) => {
    const { scan, callsOfSdk } = await start(() => ok, {
      signer: {
        sign: async (request: { headers: object }) =>
          Object.assign(request, {
            headers: {
              ...request.headers,
              "x-amz-date": "20261127T000000Z",
              "x-amz-content-sha256": createHash("sha256").update("{}").digest("hex"),
              authorization,
            },
          }),
      } as never,
    });
    await scan();
    await scan();
    expect(callsOfSdk()).toBe(2);
    expect(stub.requests.map(({ headers }) => headers.authorization)).toEqual([authorization, authorization]);
  });

  it.each([
    ["a bearer token", "smithy.api#httpBearerAuth", "Bearer token"],
    ["a signature of several regions", "aws.auth#sigv4a", "AWS4-ECDSA-P256-SHA256 Credential=test"],
    ["a scheme that signs like Signature Version 4", "example#other", undefined],
  ])("a client that authenticates with %s sends all calls itself", async (_, schemeId, authorization) => {
    const identityProvider = () => async () => credentials;
    const like = new SignatureV4({
      credentials,
      region: REGION,
      service: "dynamodb",
      sha256: Sha256 as never,
    });
    const signer = {
      sign: async (request: { headers: object }) =>
        authorization === undefined
          ? like.sign(request as never)
          : Object.assign(request, { headers: { ...request.headers, authorization } }),
    };
    const { scan, callsOfSdk } = await start(() => ok, {
      httpAuthSchemes: [{ schemeId, identityProvider, signer }] as never,
      httpAuthSchemeProvider: () => [
        { schemeId, signingProperties: { name: "dynamodb", region: REGION } } as never,
      ],
    });
    await scan();
    await scan();
    expect(callsOfSdk()).toBe(2);
    expect(stub.requests.map(({ headers }) => headers.authorization)).toEqual(
      Array(2).fill(authorization ?? expect.stringMatching(/^AWS4-HMAC-SHA256 /)),
    );
  });

  it.each(["accessKeyId", "secretAccessKey", "sessionToken"])(
    "a change of %s alone is a change of the credentials",
    async (field) => {
      let value = "first";
      const { scan, callsOfSdk } = await start(() => ok, {
        credentials: async () => ({
          ...credentials,
          sessionToken: "token",
          expiration: new Date(Date.now() - 1),
          [field]: value,
        }),
      });
      await scan();
      value = "second";
      await scan();
      expect(callsOfSdk()).toBe(2);
    },
  );

  it("the trace of the invocation in which the first call was made is not sent with later ones", async () => {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "ferry-restore");
    vi.stubEnv("_X_AMZN_TRACE_ID", "Root=1-first");
    const { scan, callsOfSdk } = await start(() => ok);
    await scan();
    await scan();
    expect(callsOfSdk()).toBe(1);
    expect(stub.requests.map(({ headers }) => headers["x-amzn-trace-id"])).toEqual([
      "Root=1-first",
      undefined,
    ]);
  });

  it("the SDK's own request handler gets the signed requests, and its responses are streams", async () => {
    const { scan, callsOfSdk } = await start((_, n) => (n < 2 ? ok : failure(400, "ThrottlingException")), {
      requestHandler: {},
    });
    expect(Buffer.from(await scan()).toString()).toBe("{}");
    expect(Buffer.from(await scan()).toString()).toBe("{}");
    await expect(scan()).rejects.toMatchObject({ name: "ThrottlingException", message: "because" });
    expect(callsOfSdk()).toBe(1);
  });

  it("another request handler gets the signed requests", async () => {
    const sent: { headers: Record<string, string>; body: Uint8Array }[] = [];
    const { scan, callsOfSdk } = await start(() => ok, {
      requestHandler: {
        handle: async (request: { headers: Record<string, string>; body: Uint8Array }) => {
          sent.push(request);
          return { response: { statusCode: 200, headers: {}, body: bytes("{}") } };
        },
      } as never,
    });
    await scan("{}");
    await scan('{"Limit":7}');
    expect(callsOfSdk()).toBe(1);
    expect(sent.map(({ body }) => Buffer.from(body).toString())).toEqual(["{}", '{"Limit":7}']);
    for (const { headers, body } of sent) {
      expect(headers["x-amz-target"]).toBe("DynamoDB_20120810.Scan");
      const request = { method: "POST", url: "/", headers, body: Buffer.from(body) };
      expect(headers["authorization"]).toBe(await signatureOf(request, "test"));
    }
  });

  it("the workers' handler gets the head of the first call as a request, and of later ones as text", async () => {
    const requestHandler = leanHttpHandler({
      connectionTimeoutMs: 5000,
      socketTimeoutMs: 60_000,
      maxSockets: 8,
    });
    const handle = vi.spyOn(requestHandler, "handle");
    const { scan } = await start(() => ok, { requestHandler });
    for (let call = 0; call < 3; call++) await scan();
    expect(handle).toHaveBeenCalledTimes(1);
    expect(stub.requests).toHaveLength(3);
  });

  it("calls of other tables and operations have templates of their own", async () => {
    const { client, scan, callsOfSdk } = await start(() => ok);
    await scan();
    await sendRaw(client, ScanCommand, { TableName: "others" }, bytes("{}"));
    await scan();
    await sendRaw(client, ScanCommand, { TableName: "others" }, bytes("{}"));
    expect(callsOfSdk()).toBe(2);
  });
});
