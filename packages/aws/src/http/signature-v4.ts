/**
 * Signature Version 4 for many requests that differ only in body and time. Source: AWS, "Create a signed AWS API request".
 */
import { createHmac, createSecretKey, hash, type KeyObject, randomUUID } from "node:crypto";

type Headers = Readonly<Record<string, string>>;

/** A request that is signed. */
export interface SignedRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly body?: unknown;
}

export interface Signer {
  /** The headers of the same request with another body, signed at `nowMs`, ms since 1970. */
  sign(body: Uint8Array, nowMs: number): Record<string, string>;
}

/** The last result of `dateOf`: a worker signs hundreds of requests in a second. */
let latest = { second: Number.NaN, date: "" };

const ALGORITHM = "AWS4-HMAC-SHA256";
const AUTHORIZATION = new RegExp(
  `^${ALGORITHM} Credential=([^/]+)/\\d{8}/(([^/]+)/([^/]+)/aws4_request), SignedHeaders=([^,]+), Signature=[0-9a-f]{64}$`,
);
const BODY_HASH = "x-amz-content-sha256";
const DATE = "x-amz-date";
const LENGTH = "content-length";
/** A header that is another one in each request. */
const INVOCATION = "amz-sdk-invocation-id";
/** Belongs to the invocation in which the request was signed, and is never signed. */
const TRACE = "x-amzn-trace-id";

/**
 * Opens a signer for requests like one that the SDK signed with this secret key. Returns undefined if this module would have
 * signed that request differently: then it has another scheme, or parts that this module does not handle.
 */
export function openSigner(request: SignedRequest, secretAccessKey: string): Signer | undefined {
  const { headers, body } = request;
  const match = AUTHORIZATION.exec(headers["authorization"] ?? "");
  const signedAt = headers[DATE];
  if (match === null || signedAt === undefined || !(body instanceof Uint8Array)) return undefined;
  const [, accessKeyId, scope, region, service, signedNames] = match as unknown as string[];
  const names = signedNames!.split(";");
  // The SDK's spelling of the trace's name has capitals.
  const constant = Object.fromEntries(
    Object.entries(headers).filter(([name]) => name !== "authorization" && name.toLowerCase() !== TRACE),
  );
  let day = "";
  let key: KeyObject;

  function signed(body: Uint8Array, date: string, invocation: string | undefined): Record<string, string> {
    const bodyHash = hash("sha256", body);
    const all: Record<string, string> = {
      ...constant,
      [DATE]: date,
      [LENGTH]: String(body.length),
      [BODY_HASH]: bodyHash,
      ...(invocation !== undefined && { [INVOCATION]: invocation }),
    };
    let canonical = `${request.method}\n/\n\n`;
    for (const name of names) canonical += `${name}:${all[name]}\n`;
    canonical += `\n${signedNames}\n${bodyHash}`;
    if (!date.startsWith(day) || day === "") {
      day = date.slice(0, 8);
      key = signingKey(secretAccessKey, day, region!, service!);
    }
    const text = `${ALGORITHM}\n${date}\n${day}/${scope}\n${hash("sha256", canonical)}`;
    const signature = createHmac("sha256", key).update(text).digest("hex");
    all["authorization"] =
      `${ALGORITHM} Credential=${accessKeyId}/${day}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
    return all;
  }

  const again = signed(body, signedAt, headers[INVOCATION]);
  if (Object.keys(constant).some((name) => again[name] !== headers[name])) return undefined;
  if (again["authorization"] !== headers["authorization"]) return undefined;
  return {
    sign: (other, nowMs) =>
      signed(other, dateOf(nowMs), headers[INVOCATION] === undefined ? undefined : randomUUID()),
  };
}

function signingKey(secretAccessKey: string, day: string, region: string, service: string): KeyObject {
  let key = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of [day, region, service, "aws4_request"])
    key = createHmac("sha256", key).update(part).digest();
  // With a key as bytes, createHmac takes five times as long.
  return createSecretKey(key);
}

/** For instance `20261127T014500Z`. */
function dateOf(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (latest.second !== second)
    latest = {
      second,
      date: `${new Date(second * 1000).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`,
    };
  return latest.date;
}
