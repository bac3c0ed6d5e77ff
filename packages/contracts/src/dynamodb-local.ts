/**
 * Runs the suites of tables and status stores on DynamoDB Local, AWS's own engine, which is the reference for semantics. It
 * needs Java 17 and Maven, so it is a separate command: `npm run test:dynamodb-local --workspace packages/contracts`.
 *
 * Maven downloads the engine once, into node_modules/.cache at the repository's root.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const VERSION = "2.6.1";
const START_MS_MAX = 60_000;

const root = join(import.meta.dirname, "../../..");
const home = join(root, "node_modules/.cache/dynamodb-local", VERSION);
const libraries = join(home, "lib");

for (const [program, args] of [
  ["java", ["-version"]],
  ["mvn", ["-version"]],
] as const) {
  if (spawnSync(program, args).status !== 0) {
    console.error(
      `DynamoDB Local needs ${program} (Java 17 or later, and Maven): install it and run this again.`,
    );
    process.exit(1);
  }
}
fetchEngine();
const port = await freePort();
const engine = spawn(
  "java",
  [
    `-Djava.library.path=${libraries}`,
    "-cp",
    `${libraries}/*`,
    "com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
    "-inMemory",
    "-disableTelemetry",
    "-port",
    String(port),
  ],
  { cwd: home, stdio: ["ignore", "ignore", "inherit"] },
);
try {
  const endpoint = `http://127.0.0.1:${port}`;
  await waitForResponse(endpoint, engine);
  const tests = spawnSync(
    join(root, "node_modules/.bin/vitest"),
    ["run", "--project", "contract", "packages/contracts/src/endpoint.contract.test.ts"],
    {
      cwd: root,
      stdio: "inherit",
      env: {
        ...process.env,
        PATH: [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
        FERRY_TEST_DYNAMODB_ENDPOINT: endpoint,
        FERRY_TEST_DYNAMODB_LOCAL: "1",
      },
    },
  );
  process.exitCode = tests.status ?? 1;
} finally {
  engine.kill();
}

function fetchEngine(): void {
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, "pom.xml"),
    `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>ferry</groupId><artifactId>dynamodb-local</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>com.amazonaws</groupId><artifactId>DynamoDBLocal</artifactId><version>${VERSION}</version>
  </dependency></dependencies>
</project>
`,
  );
  const args = ["-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${libraries}`];
  const fetched = spawnSync("mvn", args, { cwd: home, stdio: "inherit" });
  if (fetched.status !== 0) throw new Error("Maven could not download DynamoDB Local: see its output above");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: free } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return free;
}

/** Resolves at the engine's first response. */
async function waitForResponse(endpoint: string, started: ChildProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += 250) {
    if (started.exitCode !== null) throw new Error(`DynamoDB Local ended with ${started.exitCode}`);
    const answer = await fetch(endpoint).catch(() => undefined);
    if (answer !== undefined) return;
    await sleep(250);
  }
  throw new Error(`DynamoDB Local did not answer within ${START_MS_MAX} ms`);
}
