/** The checks before SST starts. No test reaches SST: the last check refuses the account that a local endpoint answers. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { expect, test } from "vitest";

const run = (args: readonly string[], environment: Record<string, string> = {}) =>
  new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(
      process.execPath,
      [path.join(import.meta.dirname, "sst.ts"), ...args],
      {
        env: {
          PATH: process.env["PATH"],
          NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
          AWS_EC2_METADATA_DISABLED: "true",
          ...environment,
        },
      },
      (error, stdout, stderr) => resolve({ code: error?.code, output: `${stdout}${stderr}`.trim() }),
    );
  });

test.each([
  { args: [], output: /^npm run sst -- COMMAND --stage NAME/ },
  { args: ["deploy", "--stage"], output: /^npm run sst -- COMMAND --stage NAME/ },
  { args: ["--stage", "production", "--help"], output: /^npm run sst -- COMMAND --stage NAME/ },
  { args: ["deploy", "--stage", "beta"], output: /^Stage "beta" has no settings/ },
  {
    args: ["--verbose", "dev", "--stage=production"],
    output: /^Stage "production" is protected, so "sst dev" is refused/,
  },
  {
    args: ["remove", "--stage", "production"],
    environment: { AWS_REGION: "ap-south-1" },
    output: /^Stage "production" is pinned to [a-z0-9-]+ in stacks\/stages\.ts, but AWS_REGION is ap-south-1/,
  },
])(
  "given $args, SST is not started, and one message has the reason",
  async ({ args, environment, output }) => {
    const result = await run(args, environment);
    expect(result.code).toBe(1);
    expect(result.output).toMatch(output);
    expect(result.output).not.toContain("\n");
  },
);

test("given credentials of another account, SST is not started", async () => {
  const calls: string[] = [];
  const sts = createServer((request, response) => {
    request.resume();
    calls.push(request.url!);
    response.setHeader("content-type", "text/xml");
    response.end(
      '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>999999999999</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
    );
  });
  await once(sts.listen(0, "127.0.0.1"), "listening");
  const { port } = sts.address() as AddressInfo;
  const { code, output } = await run(["deploy", "--stage", "production"], {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  });
  sts.close();
  expect(code).toBe(1);
  expect(output).toMatch(
    /^Stage "production" is pinned to the account \d{12} .*, but the credentials are of 999999999999\./,
  );
  expect(calls).toHaveLength(1);
});
