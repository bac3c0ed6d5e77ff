import { parseRequest } from "@ferry/core/request";
import { expect, test } from "vitest";
import { welcome } from "./welcome.ts";

test("the requests it offers are requests that Ferry takes", () => {
  const text = welcome({
    endpoint: "http://127.0.0.1:1",
    homeRegion: "us-east-1",
    env: { AWS_REGION: "us-east-1", SST_RESOURCE_Bus: '{"name":"b"}' },
    names: { bus: "b", queueUrl: (queue) => queue, table: (table) => table },
  });
  const [entries, message] = [...text.matchAll(/'(\[?\{[^']*"bucket-prefix[^']*)'/g)].map(([, json]) =>
    JSON.parse(json!),
  );
  for (const request of [JSON.parse(entries[0].Detail).request, message])
    expect(parseRequest(request, { requestTimeMs: 0, maximumSegments: 1000 })).toHaveProperty("request");
  // What only the handlers read is not for a shell.
  expect(text).not.toContain("SST_RESOURCE");
});
