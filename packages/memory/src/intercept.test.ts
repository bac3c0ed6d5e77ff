import { describe, expect, it } from "vitest";
import { intercept, type PortCall } from "./intercept.ts";
import { memoryPorts } from "./ports.ts";

describe("an intercepted port", () => {
  it("passes its calls through one function, which can lose the response of a call after its effect", async () => {
    const { archive } = memoryPorts();
    const bucket = { region: "eu-west-1", name: "archive" };
    archive.createBucket(bucket);
    const calls: PortCall[] = [];
    const faulty = intercept("archive", archive, ["putNew"], async (call, run) => {
      calls.push(call);
      await run();
      throw new Error("the connection was lost");
    });
    const body = new Uint8Array([1]);
    const put = faulty.putNew(bucket, "key", body, { metadata: {}, contentType: "text/plain" });
    await expect(put).rejects.toThrow("lost");
    expect(calls).toMatchObject([{ port: "archive", method: "putNew", args: [bucket, "key", body, {}] }]);
    expect((await faulty.get(bucket, "key"))?.body).toEqual(body);
  });
});
