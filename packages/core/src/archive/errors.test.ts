import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { brokenArchive, brokenManifest, readable, unknownFormat } from "./errors.ts";

const bucket = { region: "eu-central-1", name: "archives" };

describe("an error about an archive", () => {
  test.each([
    [
      "about a broken manifest",
      brokenManifest,
      "broken-manifest",
      "read manifest",
      "restore from another backup",
    ],
    ["about a broken archive", brokenArchive, "broken-archive", "read archive", "from an intact copy"],
    ["about an unknown format", unknownFormat, "unknown-format", "read archive", "or update Ferry"],
  ])("%s names the object, the fault and what to do", (_, toError, code, operation, hint) => {
    expect(toError(bucket, "backups/one/x.json", "is wrong")).toMatchObject({
      kind: "permanent",
      code,
      operation,
      resource: "s3://archives/backups/one/x.json",
      message: expect.stringContaining("is wrong."),
      hint: expect.stringContaining(hint),
    });
  });

  test("contains the message of the error that reading threw, and the field that a schema refused", () => {
    const toError = (message: string) => new Error(message);
    expect(readable(() => 7, toError)).toBe(7);
    const thrown = (value: unknown) => () =>
      readable(() => {
        throw value;
      }, toError);
    expect(thrown(new SyntaxError("no JSON"))).toThrow("cannot be read: no JSON");
    expect(thrown("text")).toThrow("cannot be read: text");
    const parse = (value: unknown) => () =>
      readable(() => v.parse(v.object({ a: v.object({ b: v.number() }) }), value), toError);
    expect(parse({ a: { b: "x" } })).toThrow(
      'cannot be read: a.b: Invalid type: Expected number but received "x"',
    );
    expect(parse(7)).toThrow("cannot be read: Invalid type: Expected Object but received 7");
  });
});
