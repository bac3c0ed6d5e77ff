import type { ServerResponse } from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import type { BucketAddress } from "@ferry/core/addresses";
import { gathered } from "@ferry/core/archive/chunks";
import { type ArchiveStore, GET_BYTES_MAX } from "@ferry/core/ports";
import { afterEach, describe, expect, it, vi } from "vitest";
import { archiveStore } from "./archive-store.ts";
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

  async function storeOn(answer: (request: StubRequest, n: number) => StubAnswer): Promise<ArchiveStore> {
    stub = await startStub(answer);
    const client = new S3Client({
      endpoint: stub.endpoint,
      region: "eu-west-1",
      credentials,
      maxAttempts: 1,
    });
    return archiveStore(() => client);
  }

  describe("given a put", () => {
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

  describe("given an object that is opened", () => {
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
      const client = new S3Client({ endpoint: stub.endpoint, region: "eu-west-1", credentials });
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
      const store = await storeOn(() => ({
        status: 206,
        headers: { etag: '"e"', "content-range": "bytes 7-9/10", "content-length": "3" },
        body: "xyz",
      }));
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
      resource,
    });
  });

  describe("given a listing", () => {
    const page = (keys: readonly string[], token?: string): StubAnswer => ({
      headers: { "content-type": "application/xml" },
      body:
        `<ListBucketResult><IsTruncated>${token !== undefined}</IsTruncated>` +
        (token === undefined ? "" : `<NextContinuationToken>${token}</NextContinuationToken>`) +
        `${keys.map((one) => `<Contents><Key>${one}</Key></Contents>`).join("")}</ListBucketResult>`,
    });
    const query = (n: number) => new URL(stub.requests[n]!.url, "http://stub").searchParams;

    it("all pages after the given key are read", async () => {
      const store = await storeOn((_, n) => (n === 0 ? page(["p/b", "p/c"], "more") : page(["p/d"])));
      expect(await store.list(bucket, "p/", { after: "p/a" })).toEqual(["p/b", "p/c", "p/d"]);
      expect(query(0).get("prefix")).toBe("p/");
      expect(query(0).get("start-after")).toBe("p/a");
      expect(query(1).get("continuation-token")).toBe("more");
    });

    it("no more keys are read than the limit", async () => {
      const store = await storeOn(() => page(["p/a", "p/b"], "more"));
      expect(await store.list(bucket, "p/", { limit: 2 })).toEqual(["p/a", "p/b"]);
      expect(stub.requests).toHaveLength(1);
      expect(query(0).get("max-keys")).toBe("2");
    });
  });
});
