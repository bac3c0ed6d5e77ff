import { describe, expect, test } from "vitest";
import { brokenArchive, brokenManifest, readable, unknownFormat } from "./errors.ts";

const bucket = { region: "eu-central-1", name: "archives" };

describe("a refusal of an archive", () => {
  test.each([
    [
      "of a broken manifest",
      brokenManifest,
      "broken-manifest",
      "read manifest",
      "restore from another backup",
    ],
    ["of a broken archive", brokenArchive, "broken-archive", "read archive", "from a copy that is whole"],
    ["of an unknown format", unknownFormat, "unknown-format", "read archive", "or update Ferry"],
  ])("%s names the object, what is wrong and what to do", (_, refusal, code, operation, hint) => {
    expect(refusal(bucket, "backups/one/x.json", "is odd")).toMatchObject({
      kind: "permanent",
      code,
      operation,
      resource: "s3://archives/backups/one/x.json",
      message: "is odd.",
      hint: expect.stringContaining(hint),
    });
  });

  test("has the words of what its reading threw, whatever that was", () => {
    const refusal = (message: string) => new Error(message);
    expect(readable(() => 7, refusal)).toBe(7);
    const thrown = (value: unknown) => () =>
      readable(() => {
        throw value;
      }, refusal);
    expect(thrown(new SyntaxError("no JSON"))).toThrow("cannot be read: no JSON");
    expect(thrown("a text")).toThrow("cannot be read: a text");
  });
});
