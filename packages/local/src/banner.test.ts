import { parseRequest } from "@ferry/core/request/request";
import { expect, test } from "vitest";
import { banner } from "./banner.ts";

const host: Parameters<typeof banner>[0] = {
  endpoint: "http://127.0.0.1:1",
  homeRegion: "us-east-1",
  env: { AWS_REGION: "us-east-1", SST_RESOURCE_Bus: '{"name":"b"}' },
  names: { bus: "b", queueUrl: (queue) => queue, table: (table) => table },
};

test.each<[string, NodeJS.ProcessEnv, string | undefined]>([
  ["no proxy, no_proxy is not exported", { NO_PROXY: "intranet" }, undefined],
  ["a proxy, no_proxy excludes this machine", { HTTPS_PROXY: "http://proxy" }, "127.0.0.1"],
  [
    "a proxy and no_proxy, its entries are kept",
    { http_proxy: "http://proxy", no_proxy: "a, b" },
    "a,b,127.0.0.1",
  ],
  ["a proxy and NO_PROXY, its entries are kept", { ALL_PROXY: "http://proxy", NO_PROXY: "a" }, "a,127.0.0.1"],
])("given %s", (_, shell, value) => {
  const lines = banner(host, shell).split("\n");
  for (const name of ["no_proxy", "NO_PROXY"])
    expect(lines.find((line) => line.startsWith(`export ${name}=`))).toBe(value && `export ${name}=${value}`);
});

test("the example requests of the banner are valid", () => {
  const text = banner(host, {});
  const [entries, message] = [...text.matchAll(/'(\[?\{[^']*"bucket-prefix[^']*)'/g)].map(([, json]) =>
    JSON.parse(json!),
  );
  for (const request of [JSON.parse(entries[0].Detail).request, message])
    expect(
      parseRequest(request, { requestTimeMs: 0, maximumSegments: 1000, compression: "gzip" }),
    ).toHaveProperty("request");
  // Variables that only the handlers read are not exported.
  expect(text).not.toContain("SST_RESOURCE");
});
