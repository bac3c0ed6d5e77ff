import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

let child: ChildProcess;
// The whole group: a test that fails must not leave its grandchildren.
afterEach(() => {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch (error) {
    expect(error).toHaveProperty("code", "ESRCH");
  }
});

/** Starts it and resolves with what it prints until it is ready. */
async function start(
  command: readonly string[] = [process.execPath, main],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  child = spawn(command[0]!, command.slice(1), {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  let text = "";
  for await (const chunk of child.stdout!) {
    text += chunk;
    if (text.includes("songs-copy --region")) return text;
  }
  throw new Error(`it ended before it was ready: ${text}`);
}

const exportsIn = (text: string) =>
  Object.fromEntries(
    [...text.matchAll(/^export ([A-Z_]+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
  );

const refused = (endpoint: string) =>
  fetch(endpoint).then(
    () => false,
    (error: { cause?: { code?: string } }) => error.cause?.code === "ECONNREFUSED",
  );

test("it prints what a shell needs", async () => {
  const text = await start();
  expect(exportsIn(text)).toEqual({
    AWS_ENDPOINT_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_REGION: "eu-central-2",
    AWS_DEFAULT_REGION: "eu-central-2",
    FERRY_BUS: "ferry-local",
    FERRY_REQUEST_QUEUE_URL: expect.stringMatching(
      /\/eu-central-2\/000000000000\/ferry-local-request-queue$/,
    ),
    FERRY_BACKUP_TABLE: "ferry-local-backup-table",
    FERRY_RESTORE_TABLE: "ferry-local-restore-table",
    FERRY_SEGMENT_TABLE: "ferry-local-segment-table",
  });
  // Whatever is no export line is a comment: the whole text can be sourced.
  for (const line of text.split("\n")) expect(line).toMatch(/^(#|export |$)/);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s ends it, and the port with it", async (signal) => {
  const { AWS_ENDPOINT_URL: endpoint } = exportsIn(await start());
  expect(await refused(endpoint!)).toBe(false);
  child.kill(signal);
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
  expect(await refused(endpoint!)).toBe(true);
});

test("kill -9 leaves no port", async () => {
  const { AWS_ENDPOINT_URL: endpoint } = exportsIn(await start());
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await refused(endpoint!)).toBe(true);
});

/** Starts another program and is in its way. */
const starts = (...command: string[]) =>
  `require("node:child_process").spawn(${JSON.stringify(command[0])}, ${JSON.stringify(command.slice(1))}, { stdio: "inherit" })`;

test.each([
  ["its parent", starts(process.execPath, main)],
  ["its parent's parent, as npm is", starts(process.execPath, "-e", starts(process.execPath, main))],
])("started by npm: kill -9 of %s leaves no port", async (_, script) => {
  const env = { npm_lifecycle_event: "local" };
  const { AWS_ENDPOINT_URL: endpoint } = exportsIn(await start([process.execPath, "-e", script], env));
  child.kill("SIGKILL");
  await once(child, "exit");
  await expect.poll(() => refused(endpoint!)).toBe(true);
});

test("a port that is taken is said so, and nothing stays", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  child = spawn(process.execPath, [main, "--port", String(port)], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let said = "";
  child.stderr!.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, "close");
  expect(code).toBe(1);
  expect(said).toContain("EADDRINUSE");
  taken.close();
});

test("what it does not understand it says", async () => {
  child = spawn(process.execPath, [main, "--data", "x"], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let said = "";
  child.stderr!.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, "close");
  expect(code).toBe(1);
  expect(said).toContain("--data");
});
