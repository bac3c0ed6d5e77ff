/**
 * Signature Version 4 for many requests that differ only in body and time. Source: AWS, "Create a signed AWS API request".
 */
import { createHmac, hash, randomUUID } from "node:crypto";

type Headers = Readonly<Record<string, string>>;

/** A request that is signed. */
export interface SignedRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly body?: unknown;
}

export interface Signer {
  /** The headers that are the same in each request. */
  readonly constant: Headers;
  /** The other headers of the same request with another body, signed at `nowMs`, ms since 1970. */
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
const VARIABLE: ReadonlySet<string> = new Set([BODY_HASH, DATE, LENGTH, INVOCATION, "authorization"]);

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
  const hasInvocation = headers[INVOCATION] !== undefined;
  const constant = Object.fromEntries(Object.entries(headers).filter(([name]) => !isVariable(name)));
  const canonical = openCanonical(request.method, names, constant);
  let day = "";
  let hmac: (text: string) => string;

  function signed(body: Uint8Array, date: string, invocation: string | undefined): Record<string, string> {
    const bodyHash = hash("sha256", body);
    const variable: Record<string, string> = {
      [DATE]: date,
      [LENGTH]: String(body.length),
      [BODY_HASH]: bodyHash,
    };
    if (invocation !== undefined) variable[INVOCATION] = invocation;
    if (!date.startsWith(day) || day === "") {
      day = date.slice(0, 8);
      hmac = openHmac(signingKey(secretAccessKey, day, region!, service!));
    }
    const canonicalHash = hash("sha256", `${canonical(variable)}\n${signedNames}\n${bodyHash}`);
    const text = `${ALGORITHM}\n${date}\n${day}/${scope}\n${canonicalHash}`;
    const signature = hmac(text);
    variable["authorization"] =
      `${ALGORITHM} Credential=${accessKeyId}/${day}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
    return variable;
  }

  const again: Headers = { ...constant, ...signed(body, signedAt, headers[INVOCATION]) };
  const isSame = Object.keys(headers).every((name) => isTrace(name) || again[name] === headers[name]);
  if (!isSame) return undefined;
  return {
    constant,
    sign: (other, nowMs) => signed(other, dateOf(nowMs), hasInvocation ? randomUUID() : undefined),
  };
}

/**
 * Returns a function that makes the canonical request up to its signed headers, given the values of the variable ones. The text
 * between those is made once.
 */
function openCanonical(
  method: string,
  names: readonly string[],
  constant: Headers,
): (variable: Headers) => string {
  const variableNames: string[] = [];
  const texts = [`${method}\n/\n\n`];
  const append = (text: string) => texts.push(texts.pop()! + text);
  for (const name of names) {
    append(`${name}:`);
    if (constant[name] === undefined) {
      variableNames.push(name);
      texts.push("\n");
    } else append(`${constant[name]}\n`);
  }
  return (variable) => {
    let text = texts[0]!;
    for (let i = 0; i < variableNames.length; i++) text += variable[variableNames[i]!]! + texts[i + 1]!;
    return text;
  };
}

/** The headers that `sign` returns, and the trace. */
function isVariable(name: string): boolean {
  return VARIABLE.has(name) || isTrace(name);
}

/** The SDK's spelling of the trace's name has capitals. */
function isTrace(name: string): boolean {
  return name.toLowerCase() === TRACE;
}

function signingKey(secretAccessKey: string, day: string, region: string, service: string): Buffer {
  let key = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of [day, region, service, "aws4_request"])
    key = createHmac("sha256", key).update(part).digest();
  return key;
}

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
/** More than the text of any signature. */
const TEXT_BYTES_MAX = 1024;

/**
 * Returns a function that makes the HMAC-SHA-256 of texts of ASCII in hexadecimal: by its definition, two hashes, because an object of
 * `createHmac` for each takes twice as long. `key` has at most 64 bytes. Source: RFC 2104.
 */
function openHmac(key: Uint8Array): (text: string) => string {
  const inner = Buffer.alloc(BLOCK_BYTES + TEXT_BYTES_MAX, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES, 0x5c);
  for (const [i, byte] of key.entries()) {
    inner[i]! ^= byte;
    outer[i]! ^= byte;
  }
  return (text) => {
    const bytes = inner.write(text, BLOCK_BYTES, "latin1");
    outer.write(hash("sha256", inner.subarray(0, BLOCK_BYTES + bytes)), BLOCK_BYTES, "hex");
    return hash("sha256", outer);
  };
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
