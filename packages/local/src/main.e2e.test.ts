import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { bundled, nodeArguments, nodeVariables } from "@ferry/terminal/testing/node-process";
import { afterEach, expect, test } from "vitest";

const main = bundled("local/src/main");

let child: ChildProcess;
// Kill the whole process group, so that a failed test leaves no grandchild.
afterEach(() => {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch (error) {
    expect(error).toHaveProperty("code", "ESRCH");
  }
});

/** Starts the host; resolves with the text that it prints until it is ready. */
async function start(
  command: readonly string[] = [process.execPath, ...nodeArguments, main, "--port", "0"],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  child = spawn(command[0]!, command.slice(1), {
    env: { ...nodeVariables(), ...env },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  let text = "";
  for await (const chunk of child.stdout!) {
    text += chunk;
    if (text.includes("songs-copy --region")) return text;
  }
  throw new Error(`the host ended before it was ready: ${text}`);
}

const exportsIn = (text: string) =>
  Object.fromEntries(
    [...text.matchAll(/^export ([A-Z_]+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
  );

const isRefused = (endpoint: string) =>
  fetch(endpoint).then(
    () => false,
    (error: { cause?: { code?: string } }) => error.cause?.code === "ECONNREFUSED",
  );

test("the banner exports the variables that a client needs, and kill -9 closes the port", async () => {
  const text = await start();
  const exported = exportsIn(text);
  expect(exported).toEqual({
    AWS_ENDPOINT_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_REGION: "eu-central-2",
    AWS_DEFAULT_REGION: "eu-central-2",
    FERRY_LOCAL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    FERRY_BUS: "ferry-local",
    FERRY_REQUEST_QUEUE_URL: expect.stringMatching(
      /\/eu-central-2\/000000000000\/ferry-local-request-queue$/,
    ),
    FERRY_BACKUP_TABLE: "ferry-local-backup-table",
    FERRY_RESTORE_TABLE: "ferry-local-restore-table",
    FERRY_SEGMENT_TABLE: "ferry-local-segment-table",
  });
  // All other lines are comments, so the whole text can be sourced.
  for (const line of text.split("\n")) expect(line).toMatch(/^(#|export |$)/);

  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await isRefused(exported["AWS_ENDPOINT_URL"]!)).toBe(true);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s stops the host and closes its port", async (signal) => {
  const { AWS_ENDPOINT_URL: endpoint } = exportsIn(await start());
  expect(await isRefused(endpoint!)).toBe(false);
  child.kill(signal);
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
  expect(await isRefused(endpoint!)).toBe(true);
});

/** A script that starts a command as its child. */
const scriptThatStarts = (...command: string[]) =>
  `require("node:child_process").spawn(${JSON.stringify(command[0])}, ${JSON.stringify(command.slice(1))}, { stdio: "inherit" })`;

test.each([
  ["its parent", scriptThatStarts(process.execPath, ...nodeArguments, main, "--port", "0")],
  [
    "its parent's parent (npm)",
    scriptThatStarts(
      process.execPath,
      "-e",
      scriptThatStarts(process.execPath, ...nodeArguments, main, "--port", "0"),
    ),
  ],
])("given a host that npm started, kill -9 of %s closes the port", async (_, script) => {
  const env = { npm_lifecycle_event: "local" };
  const { AWS_ENDPOINT_URL: endpoint } = exportsIn(await start([process.execPath, "-e", script], env));
  child.kill("SIGKILL");
  await once(child, "exit");
  await expect.poll(() => isRefused(endpoint!)).toBe(true);
});

test("given a port that is in use, the host says which port it is and what to do, and ends with code 1", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  child = spawn(process.execPath, [main, "--port", String(port)], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let stderr = "";
  child.stderr!.on("data", (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, "close");
  expect(code).toBe(1);
  expect(stderr.trim()).toBe(
    `ferry local: port ${port} of 127.0.0.1 is in use, perhaps by another local host: stop that program, or choose another port (0: any free one).`,
  );
  taken.close();
});

test.each([
  ["--data", "x"],
  ["--dynamodb", "8000"],
])("a wrong option (%s %s) is reported, and the host ends with code 2", async (option, value) => {
  child = spawn(process.execPath, [main, option, value], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let stderr = "";
  child.stderr!.on("data", (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, "close");
  expect(code).toBe(2);
  expect(stderr).toContain(option);
  expect(stderr).toContain('"npm run local -- --help" lists the options.');
});
