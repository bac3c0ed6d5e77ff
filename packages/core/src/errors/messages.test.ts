/**
 * What operators read: each message and hint is one or more plain sentences, which begin with their subject and end in a full stop.
 */
import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { memoryPorts } from "@ferry/memory/ports";
import { backupRequest, bucket, message, restoreRequest, source, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { brokenArchive, brokenManifest, unknownFormat } from "../archive/errors.ts";
import { corrupt } from "../archive/stored-file.ts";
import type { FerryEvent } from "../events/events.ts";
import { requestIdReused } from "../request/registration.ts";
import { identify } from "../request/task.ts";
import { work } from "../worker.ts";
import { errorCodes } from "./error-codes.ts";
import { FerryError } from "./errors.ts";

const SENTENCE = /^(?:[A-Z`]|s3:\/\/|[a-z]+(?:-[a-z]+)* (?:is|must|may)\b).*[.]$/s;

test.each(Object.entries(errorCodes))(
  "the cause and the remedy of %s are sentences",
  (_, { cause, remedy }) => {
    expect(cause).toMatch(SENTENCE);
    expect(remedy).toMatch(SENTENCE);
  },
);

/** The messages of the failure, or the reason of the refusal, that an event leads to. */
async function answered(type: string, detail: unknown, failsAs: "TaskRejected" | "TaskStepFailed") {
  const ports = world();
  ports.tables.put(source, '{"id":{"S":"a"}}');
  const [event] = await work(message(type, detail, failsAs), ports);
  const { error, reason, hint } = (event as FerryEvent).detail as {
    error?: { message: string; hint: string };
    reason?: string;
    hint?: string;
  };
  return { message: error?.message ?? reason, hint: error?.hint ?? hint };
}

const task = { action: "backup", key: "us-east-1-cities", timestamp: 1_793_498_400_123 };
const identity = identify(
  { request: backupRequest, "request-id": "nightly" },
  { id: "e", time: "2026-11-01T02:00:00Z" },
);
const registered = { digest: identity.digest, timeMs: identity.requestTimeMs - 3_600_000 };

describe("is a sentence that begins with its subject, and so is the hint:", () => {
  test.each<[string, () => Promise<{ message?: string | undefined; hint?: string | undefined }>, string]>([
    [
      "a request without a field",
      () =>
        answered("TaskRequested", { request: { ...backupRequest, "table-name": undefined } }, "TaskRejected"),
      "table-name ",
    ],
    [
      "a request with an unknown field",
      () => answered("TaskRequested", { request: { ...backupRequest, extra: 1 } }, "TaskRejected"),
      "extra is not a field",
    ],
    [
      "a request of a missing table",
      () =>
        answered("TaskRequested", { request: { ...backupRequest, "table-name": "towns" } }, "TaskRejected"),
      "There is no table towns",
    ],
    [
      "a restore of a missing archive",
      () => answered("TaskRequested", { request: restoreRequest }, "TaskRejected"),
      "s3://archives/",
    ],
    [
      "a retry of a missing task",
      () => answered("TaskRetryRequested", { task }, "TaskStepFailed"),
      "There is no such task.",
    ],
    [
      "a retry with a wrong field",
      () => answered("TaskRetryRequested", { task, attempt: 0 }, "TaskStepFailed"),
      "attempt must be",
    ],
    [
      "a broken manifest",
      async () => brokenManifest(bucket, "one/manifest-files.json", "lists 2 items"),
      "s3://archives/one/manifest-files.json lists",
    ],
    [
      "a broken archive",
      async () => brokenArchive(bucket, "one/task.json", "cannot be read: no JSON."),
      "s3://archives/one/task.json cannot",
    ],
    [
      "an unknown format",
      async () => unknownFormat(bucket, "one/task.json", "has format-version 2"),
      "s3://archives/one/task.json has",
    ],
    [
      "a corrupt file",
      async () => corrupt(bucket, "one/x.json.gz", "holds 2 lines"),
      "s3://archives/one/x.json.gz holds",
    ],
    ["a request-id that is reused", async () => requestIdReused(identity, registered), "The same request"],
    [
      "a request-id of another request",
      async () => requestIdReused(identity, { ...registered, digest: "0" }),
      "The request-id nightly",
    ],
  ])("%s", async (_, thrown, subject) => {
    const { message: text, hint } = await thrown();
    expect(text).toMatch(SENTENCE);
    expect(text!.startsWith(subject), text).toBe(true);
    expect(hint).toMatch(SENTENCE);
  });
});

test("a damaged file's message names the file once", async () => {
  const { codec } = memoryPorts();
  async function* file() {
    yield new Uint8Array([0x1f, 0x8b, 1, 2]);
  }
  const reading = (async () => {
    for await (const _ of codec.decompress(file()));
  })();
  const error = await reading.catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(FerryError);
  expect((error as FerryError).message).toMatch(/^The data file is not a complete gzip file: .*[^.]\.$/);
});

test("each message and hint in the code of the engine, its AWS host, the client and the command is a sentence", async () => {
  const root = fileURLToPath(new URL("../../../..", import.meta.url));
  const wrong: string[] = [];
  for await (const path of glob("packages/{core,aws,client,cli}/src/**/*.ts", { cwd: root })) {
    if (/\.test\.ts$|\/testing\//.test(path)) continue;
    const code = await readFile(root + path, "utf8");
    for (const [, details = ""] of code.matchAll(
      /(?:permanent|FerryError|ClientError)\([^;]*?\{([^;]*?)\n? *\}\)/g,
    ))
      for (const [, name, quoted = "", template = ""] of details.matchAll(
        /\b(message|hint):\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g,
      )) {
        const text = quoted || template;
        if (text !== "" && !/^(?:[A-Z$`\\]|--[a-z]).*[.}]$/s.test(text))
          wrong.push(`${path}: ${name}: ${text}`);
      }
  }
  expect(wrong).toEqual([]);
});
