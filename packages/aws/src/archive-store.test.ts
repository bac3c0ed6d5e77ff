import type { ServerResponse } from "node:http";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { gathered } from "@ferry/core/archive/chunks";
import { type ArchiveStore, GET_BYTES_MAX } from "@ferry/core/ports";
import type { BucketAddress } from "@ferry/core/request/addresses";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterEach, describe, expect, it, vi } from "vitest";
import { archiveStore } from "./archive-store.ts";
import { objectHttpHandler } from "./http/object-http.ts";
import {
  credentials,
  listen,
  type Stub,
  type StubAnswer,
  type StubRequest,
  startStub,
} from "./testing/stub-server.ts";

const bucket: BucketAddress = { region: "eu-west-1", name: "archive", owner: "123456789012" };
const key = "some/prefix/0x0000/0x00000000.json.gz";
const resource = `s3://archive/${key}`;
const options = { metadata: { items: "1", "request-id": "r" }, contentType: "application/gzip" };
const body = Buffer.from("bytes");

const xml = (status: number, Code: string): StubAnswer => ({
  status,
  headers: { "content-type": "application/xml" },
  body: `<?xml version="1.0"?><Error><Code>${Code}</Code><Message>because</Message></Error>`,
});

describe("an archive on S3", () => {
  let stub: Stub;
  afterEach(() => stub.close());

  async function storeOn(
    answer: (request: StubRequest, n: number) => StubAnswer,
    handler: Pick<S3ClientConfig, "requestHandler"> = {},
  ): Promise<ArchiveStore> {
    stub = await startStub(answer);
    const client = new S3Client({
      endpoint: stub.endpoint,
      region: "eu-west-1",
      credentials,
      maxAttempts: 1,
      ...handler,
    });
    return archiveStore(() => client);
  }

  describe("given a put", () => {
    it.each([
      ["from memory up to 8 MiB, so that the SDK can repeat it", 8 * 1024 * 1024, undefined],
      ["as a stream beyond that", 8 * 1024 * 1024 + 1, "aws-chunked"],
    ])("a streamed body is sent %s", async (_, sizeBytes, encoding) => {
      const store = await storeOn(() => ({ headers: { etag: '"e"' } }));
      async function* chunks() {
        yield new Uint8Array(sizeBytes);
      }
      expect(await store.putNew(bucket, key, { sizeBytes, chunks }, options)).toBe("stored");
      const { headers } = stub.requests[0]!;
      expect(headers["content-encoding"]).toBe(encoding);
      expect(headers[encoding === undefined ? "content-length" : "x-amz-decoded-content-length"]).toBe(
        String(sizeBytes),
      );
      expect(headers["if-none-match"]).toBe("*");
    });

    it("the request is conditional and carries the bucket's owner and the metadata", async () => {
      const store = await storeOn(() => ({ headers: { etag: '"e"' } }));
      expect(await store.putNew(bucket, key, body, options)).toBe("stored");
      const [{ method, url, headers, body: sent } = stub.requests[0]!] = stub.requests;
      expect({ method, path: url.split("?")[0], sent: sent.toString() }).toEqual({
        method: "PUT",
        path: `/archive/${key}`,
        sent: "bytes",
      });
      expect(headers).toMatchObject({
        "if-none-match": "*",
        "x-amz-expected-bucket-owner": "123456789012",
        "content-type": "application/gzip",
        "x-amz-meta-items": "1",
        "x-amz-meta-request-id": "r",
      });
      expect(headers["x-amz-server-side-encryption"]).toBeUndefined();
    });

    it("the request names the KMS key if one is given", async () => {
      const store = await storeOn(() => ({}));
      await store.putNew(bucket, key, body, { ...options, kmsKeyId: "alias/ferry" });
      expect(stub.requests[0]?.headers).toMatchObject({
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "alias/ferry",
      });
    });

    it("given 412, the outcome is `exists`", async () => {
      const store = await storeOn(() => xml(412, "PreconditionFailed"));
      expect(await store.putNew(bucket, key, body, options)).toBe("exists");
    });

    it("given 409, the put is retried until it is stored or the key exists", async () => {
      const stored = await storeOn((_, n) => (n < 2 ? xml(409, "ConditionalRequestConflict") : {}));
      expect(await stored.putNew(bucket, key, body, options)).toBe("stored");
      expect(stub.requests).toHaveLength(3);
      await stub.close();
      const taken = await storeOn((_, n) =>
        n < 1 ? xml(409, "ConditionalRequestConflict") : xml(412, "PreconditionFailed"),
      );
      expect(await taken.putNew(bucket, key, body, options)).toBe("exists");
    });

    it("given 409 on every try, the error is transient", async () => {
      const store = await storeOn(() => xml(409, "ConditionalRequestConflict"));
      await expect(store.putNew(bucket, key, body, options)).rejects.toMatchObject({
        kind: "transient",
        code: "conditional-request-conflict",
        operation: "PutObject",
        resource,
      });
    }, 30_000);
  });

  describe("given an object", () => {
    it("head and get return its metadata and bytes", async () => {
      const store = await storeOn(() => ({
        headers: { etag: '"e"', "content-length": "5", "x-amz-meta-items": "7", "x-amz-meta-md5": "a==" },
        body: "bytes",
      }));
      const head = { metadata: { items: "7", md5: "a==" }, etag: '"e"', sizeBytes: 5 };
      expect(await store.head(bucket, key)).toEqual(head);
      const got = await store.get(bucket, key);
      expect(got?.head).toEqual(head);
      expect(Buffer.from(got!.body).toString()).toBe("bytes");
      for (const { headers } of stub.requests)
        expect(headers["x-amz-expected-bucket-owner"]).toBe("123456789012");
    });

    it("given a truncated response, get fails with a transient error", async () => {
      const store = await storeOn(() => ({
        headers: { "content-length": "5", connection: "close" },
        body: "by",
      }));
      await expect(store.get(bucket, key)).rejects.toMatchObject({
        kind: "transient",
        operation: "GetObject",
      });
    });
  });

  it("given no such object, get, open and head return undefined", async () => {
    const store = await storeOn(() => xml(404, "NoSuchKey"));
    expect(await store.get(bucket, key)).toBeUndefined();
    expect(await store.open(bucket, key)).toBeUndefined();
    expect(await store.head(bucket, key)).toBeUndefined();
  });

  describe.each([
    ["the SDK's request handler", {}],
    [
      "Ferry's own",
      {
        requestHandler: objectHttpHandler(
          { connectionTimeoutMs: 60_000, socketTimeoutMs: 60_000, maxSockets: 8 },
          new NodeHttpHandler(),
        ),
      },
    ],
  ])("given an object that is opened, by %s", (_, handler) => {
    /** A server that announces 1,000,000 bytes, sends 100,000 of them and then passes the response to `next`. */
    async function half(next: (response: ServerResponse) => void) {
      const closed = vi.fn();
      const server = await listen((_, response) => {
        response.on("close", closed);
        // With a checksum the SDK wraps the connection's stream in another one.
        const checksum = { "x-amz-checksum-crc32": "AAAAAA==" };
        response.writeHead(200, { "content-length": "1000000", etag: '"e"', ...checksum });
        response.write(Buffer.alloc(100_000), () => next(response));
      });
      stub = { ...server, requests: [] };
      const client = new S3Client({ endpoint: stub.endpoint, region: "eu-west-1", credentials, ...handler });
      return { store: archiveStore(() => client), closed };
    }

    it("if the connection breaks while the body is read, the transient error names the object", async () => {
      const { store } = await half((response) => response.destroy());
      const opened = await store.open(bucket, key);
      await expect(gathered(opened!.chunks)).rejects.toMatchObject({
        kind: "transient",
        operation: "GetObject",
        resource,
      });
    });

    it("a reader that stops closes the connection", async () => {
      const { store, closed } = await half(() => {});
      const opened = await store.open(bucket, key);
      for await (const chunk of opened!.chunks) if (chunk.length > 0) break;
      await expect.poll(() => closed).toHaveBeenCalled();
    });

    it("get refuses an object above the limit before it reads the body", async () => {
      let received = 0;
      const closed = vi.fn();
      const server = await listen((_, response) => {
        response.on("close", closed);
        response.writeHead(200, { "content-length": String(GET_BYTES_MAX + 1), etag: '"e"' });
        const more = () => {
          received += 65_536;
          if (!response.destroyed) response.write(Buffer.alloc(65_536), more);
        };
        more();
      });
      stub = { ...server, requests: [] };
      const client = new S3Client({ endpoint: stub.endpoint, region: "eu-west-1", credentials });
      await expect(archiveStore(() => client).get(bucket, key)).rejects.toMatchObject({
        kind: "permanent",
        code: "object-too-large",
        resource,
        message: expect.stringContaining(String(GET_BYTES_MAX + 1)),
      });
      await expect.poll(() => closed).toHaveBeenCalled();
      expect(received).toBeLessThan(64 * 1024 * 1024);
    });

    it("a part is requested by range and ETag, and its head describes the whole object", async () => {
      const store = await storeOn(
        () => ({
          status: 206,
          headers: { etag: '"e"', "content-range": "bytes 7-9/10", "content-length": "3" },
          body: "xyz",
        }),
        handler,
      );
      const opened = await store.open(bucket, key, { ifMatch: '"e"', fromByte: 7 });
      expect(opened?.head).toMatchObject({ sizeBytes: 10, etag: '"e"' });
      expect(await gathered(opened!.chunks)).toEqual(Uint8Array.from(Buffer.from("xyz")));
      expect(stub.requests[0]?.headers).toMatchObject({
        range: "bytes=7-",
        "if-match": '"e"',
        "x-amz-expected-bucket-owner": "123456789012",
      });
    });
  });

  const calls: Record<string, (store: ArchiveStore) => Promise<unknown>> = {
    putNew: (store) => store.putNew(bucket, key, body, options),
    get: (store) => store.get(bucket, key),
    open: (store) => store.open(bucket, key),
    list: (store) => store.list(bucket, key),
    head: (store) => store.head(bucket, key),
  };
  const failures: [number, string, string, string, RegExp][] = [
    [404, "NoSuchBucket", "permanent", "no-such-bucket", /bucket-name/],
    [301, "PermanentRedirect", "permanent", "wrong-region", /bucket-region/],
    [400, "AuthorizationHeaderMalformed", "permanent", "wrong-region", /bucket-region/],
    [403, "AccessDenied", "permanent", "access-denied", /s3:.*bucket-owner/],
    [403, "InvalidAccessKeyId", "permanent", "credentials-refused", /credentials/],
    [400, "KMS.DisabledException", "permanent", "key-not-usable", /kms-key-id/],
    [400, "ExpiredToken", "transient", "service-error", /again/],
    [503, "SlowDown", "throttled", "throttled", /back/],
    [503, "ServiceUnavailable", "throttled", "throttled", /back/],
    [400, "KMS.ThrottlingException", "throttled", "throttled", /back/],
    [500, "InternalError", "transient", "service-error", /again/],
  ];
  describe.each(failures)("given %i %s", (status, name, kind, code, hint) => {
    // A HEAD response has no body, so only its status is known.
    it.each(Object.keys(calls).filter((call) => call !== "head"))(
      `the error of %s is ${kind} and has a hint`,
      async (call) => {
        const store = await storeOn(() => xml(status, name));
        await expect(calls[call]!(store)).rejects.toMatchObject({
          kind,
          code,
          resource,
          hint: expect.stringMatching(hint),
        });
      },
    );
  });
  it.each([
    [301, "permanent", "wrong-region"],
    [403, "permanent", "access-denied"],
    [503, "throttled", "throttled"],
    [500, "transient", undefined],
  ])("given %i, the error of head is %s", async (status, kind, code) => {
    const store = await storeOn(() => ({ status }));
    await expect(store.head(bucket, key)).rejects.toMatchObject({
      kind,
      ...(code !== undefined && { code }),
      operation: "HeadObject",
      resource,
    });
  });

  /** The objects of a listing; the stub's ETag of an object is its key. */
  const listed = (...keys: string[]) => keys.map((one) => ({ key: one, etag: `"${one}"` }));

  describe("given a listing", () => {
    const page = (keys: readonly string[], token?: string): StubAnswer => ({
      headers: { "content-type": "application/xml" },
      body:
        `<ListBucketResult><IsTruncated>${token !== undefined}</IsTruncated>` +
        (token === undefined ? "" : `<NextContinuationToken>${token}</NextContinuationToken>`) +
        `${keys.map((one) => `<Contents><Key>${one}</Key><ETag>&quot;${one}&quot;</ETag></Contents>`).join("")}</ListBucketResult>`,
    });
    const query = (n: number) => new URL(stub.requests[n]!.url, "http://stub").searchParams;

    it("all pages after the given key are read", async () => {
      const store = await storeOn((_, n) => (n === 0 ? page(["p/b", "p/c"], "more") : page(["p/d"])));
      expect(await store.list(bucket, "p/", { after: "p/a" })).toEqual(listed("p/b", "p/c", "p/d"));
      expect(query(0).get("prefix")).toBe("p/");
      expect(query(0).get("start-after")).toBe("p/a");
      expect(query(1).get("continuation-token")).toBe("more");
    });

    it("no more keys are read than the limit", async () => {
      const store = await storeOn(() => page(["p/a", "p/b"], "more"));
      expect(await store.list(bucket, "p/", { limit: 2 })).toEqual(listed("p/a", "p/b"));
      expect(stub.requests).toHaveLength(1);
      expect(query(0).get("max-keys")).toBe("2");
    });
  });

  describe("on a client with canned answers", () => {
    type Input = Readonly<Record<string, unknown>>;
    const failing = (status: number, name = "Odd") =>
      Object.assign(new Error("because"), { name, $metadata: { httpStatusCode: status } });

    /** A store whose call `n` returns, or throws, `answer`. */
    function cannedStore(answer: (n: number, input: Input) => object) {
      // So that there is one to close.
      stub = { endpoint: "", requests: [], close: async () => {} };
      const inputs: Input[] = [];
      const waits: number[] = [];
      const client = {
        async send({ input }: { input: Input }) {
          inputs.push(input);
          const result = answer(inputs.length - 1, input);
          if (result instanceof Error) throw result;
          return result;
        },
      };
      const regions: string[] = [];
      const store = archiveStore(
        (region) => {
          regions.push(region);
          return client as never;
        },
        { wait: async (msMax) => void waits.push(msMax) },
      );
      return { store, inputs, waits, regions };
    }
    const own: BucketAddress = { region: "eu-west-1", name: "archive" };
    const chunksOf = async (chunks: AsyncIterable<Uint8Array>) =>
      Buffer.from(await gathered(chunks)).toString();

    it("every call goes to the bucket's region", async () => {
      const { store, regions } = cannedStore(() => ({}));
      const at = (region: string) => ({ region, name: "archive" });
      await store.putNew(at("a"), key, body, options);
      await store.head(at("b"), key);
      await store.get(at("c"), key);
      await store.open(at("d"), key);
      await store.list(at("e"), "p/");
      expect(regions).toEqual(["a", "b", "c", "d", "e"]);
    });

    it("a bucket without a given owner is addressed by its name alone", async () => {
      const { store, inputs } = cannedStore(() => ({}));
      await store.head(own, key);
      await store.head(bucket, key);
      expect(inputs).toStrictEqual([
        { Bucket: "archive", Key: key },
        { Bucket: "archive", ExpectedBucketOwner: "123456789012", Key: key },
      ]);
    });

    it("a put with a conflict on each try waits twice as long each time, and fails after six tries", async () => {
      const cause = failing(409);
      const { store, inputs, waits } = cannedStore(() => cause);
      await expect(store.putNew(own, key, body, options)).rejects.toMatchObject({
        kind: "transient",
        code: "conditional-request-conflict",
        operation: "PutObject",
        message: expect.stringContaining("each of 6 tries"),
        cause,
      });
      expect(inputs).toHaveLength(6);
      expect(waits).toEqual([100, 200, 400, 800, 1600]);
    });

    it("a put that fails otherwise is not tried again", async () => {
      const { store, inputs } = cannedStore(() => failing(500));
      await expect(store.putNew(own, key, body, options)).rejects.toMatchObject({ operation: "PutObject" });
      expect(inputs).toHaveLength(1);
    });

    it("an object without metadata, ETag and length has empty ones, and without a body it is empty", async () => {
      const { store } = cannedStore(() => ({}));
      const head = { metadata: {}, etag: "", sizeBytes: 0 };
      expect(await store.head(own, key)).toEqual(head);
      expect(await store.get(own, key)).toEqual({ body: new Uint8Array(0), head });
      const opened = await store.open(own, key);
      expect(opened?.head).toEqual(head);
      expect(await chunksOf(opened!.chunks)).toBe("");
    });

    it("get reads an object of exactly the limit, and its head has the size of the body", async () => {
      const transformToByteArray = async () => new Uint8Array(3);
      const { store } = cannedStore(() => ({ ContentLength: GET_BYTES_MAX, Body: { transformToByteArray } }));
      expect((await store.get(own, key))?.head.sizeBytes).toBe(3);
    });

    it("get refuses a larger object also if the response has no body", async () => {
      const { store } = cannedStore(() => ({ ContentLength: GET_BYTES_MAX + 1 }));
      await expect(store.get(own, key)).rejects.toMatchObject({
        code: "object-too-large",
        operation: "GetObject",
        resource,
      });
    });

    it("open requests the whole object, or the part and the ETag that are given", async () => {
      const { store, inputs } = cannedStore(() => ({ ContentLength: 5 }));
      expect((await store.open(own, key))?.head.sizeBytes).toBe(5);
      expect((await store.open(own, key, { fromByte: 0 }))?.head.sizeBytes).toBe(5);
      expect((await store.open(own, key, { fromByte: 1, ifMatch: "e" }))?.head.sizeBytes).toBe(6);
      const whole = { Bucket: "archive", Key: key };
      expect(inputs).toStrictEqual([whole, whole, { ...whole, IfMatch: "e", Range: "bytes=1-" }]);
    });

    it("an object that changed since its ETag was read is refused with its address", async () => {
      const cause = failing(412, "PreconditionFailed");
      const { store } = cannedStore(() => cause);
      await expect(store.open(own, key, { ifMatch: '"e"' })).rejects.toMatchObject({
        kind: "permanent",
        code: "object-changed",
        operation: "GetObject",
        resource,
        message: `${resource} no longer has the ETag "e".`,
        cause,
      });
    });

    it.each([
      [403, "Odd", "access-denied"],
      [404, "NoSuchBucket", "no-such-bucket"],
    ])("open's error with status %i and name %s is %s", async (status, name, code) => {
      const { store } = cannedStore(() => failing(status, name));
      await expect(store.open(own, key)).rejects.toMatchObject({ code, operation: "GetObject", resource });
    });

    it("an error while the body is read names the object", async () => {
      async function* Body() {
        yield Buffer.from("a");
        throw new Error("reset");
      }
      const { store } = cannedStore(() => ({ Body: Body() }));
      const opened = await store.open(own, key);
      await expect(chunksOf(opened!.chunks)).rejects.toMatchObject({
        kind: "transient",
        message: expect.stringMatching(/^GetObject on s3:.* failed: Error: reset\.$/),
        operation: "GetObject",
        resource,
      });
    });

    describe("given a listing", () => {
      const contents = (...keys: (string | undefined)[]) => ({
        Contents: keys.map((Key) => ({ Key, ETag: `"${Key}"` })),
      });
      const more = { IsTruncated: true, NextContinuationToken: "more" };

      it("the first request has the prefix and the largest page, and only what was asked for besides", async () => {
        const { store, inputs } = cannedStore(() => contents("p/a"));
        expect(await store.list(own, "p/")).toEqual(listed("p/a"));
        await store.list(own, "p/", { after: "p/0", limit: 3 });
        const shared = { Bucket: "archive", Prefix: "p/" };
        expect(inputs).toStrictEqual([
          { ...shared, MaxKeys: 1000 },
          { ...shared, MaxKeys: 3, StartAfter: "p/0" },
        ]);
      });

      it("each page asks only for the keys that are missing to the limit", async () => {
        const { store, inputs } = cannedStore((n) => ({ ...contents(`p/${n}`, `q/${n}`), ...more }));
        expect(await store.list(own, "", { limit: 6 })).toEqual(
          listed("p/0", "q/0", "p/1", "q/1", "p/2", "q/2"),
        );
        expect(inputs.map(({ MaxKeys }) => MaxKeys)).toEqual([6, 4, 2]);
        expect(inputs.map(({ ContinuationToken }) => ContinuationToken)).toEqual([undefined, "more", "more"]);
      });

      it("a page without contents or keys adds none, and the listing continues", async () => {
        const pages = [more, { ...contents(undefined, "a"), ...more }, contents("b")];
        const { store } = cannedStore((n) => pages[n]!);
        expect(await store.list(own, "")).toEqual(listed("a", "b"));
      });

      it.each([
        ["is not truncated", { IsTruncated: false, NextContinuationToken: "more" }],
        ["does not say whether it is truncated", { NextContinuationToken: "more" }],
        ["has no token", { IsTruncated: true }],
      ])("a page that %s is the last one", async (_, last) => {
        const { store, inputs } = cannedStore(() => ({ ...contents("a"), ...last }));
        expect(await store.list(own, "")).toEqual(listed("a"));
        expect(inputs).toHaveLength(1);
      });

      it("an error names the prefix", async () => {
        const { store } = cannedStore(() => failing(403));
        await expect(store.list(own, "p/")).rejects.toMatchObject({
          operation: "ListObjectsV2",
          resource: "s3://archive/p/",
        });
      });
    });
  });
});
