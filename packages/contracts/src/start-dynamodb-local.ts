/**
 * Starts DynamoDB Local, AWS's own engine. It needs Java 17 and Maven, which downloads it once, into node_modules/.cache at the
 * repository's root.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const VERSION = "2.6.1";
const START_MS_MAX = 60_000;
/** How much of the engine's errors is kept for the message that it did not start. */
const ERRORS_LENGTH_MAX = 5000;

const home = join(import.meta.dirname, "../../../node_modules/.cache/dynamodb-local", VERSION);
const libraries = join(home, "lib");

export interface DynamoDbLocal {
  readonly endpoint: string;
  stop(): void;
}

/** Fetches the engine if necessary. Returns why it cannot run here, if it cannot. */
export function prepareDynamoDbLocal(): string | undefined {
  const isFetched = existsSync(libraries);
  for (const program of isFetched ? ["java"] : ["java", "mvn"])
    if (spawnSync(program, ["-version"]).status !== 0)
      return `DynamoDB Local needs ${program} (Java 17 or later, and Maven), which is not installed`;
  return isFetched ? undefined : fetchEngine();
}

/** Starts the engine on a free port, with its data in memory. Call `prepareDynamoDbLocal` before. */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const port = await freePort();
  const engine = spawn(
    "java",
    [
      // For a short run, the quick compiler and collector need a fraction of the CPU time.
      "-XX:TieredStopAtLevel=1",
      "-XX:+UseSerialGC",
      `-Djava.library.path=${libraries}`,
      "-cp",
      `${libraries}/*`,
      "com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
      "-inMemory",
      "-disableTelemetry",
      "-port",
      String(port),
    ],
    { cwd: home, stdio: ["ignore", "ignore", "pipe"] },
  );
  let errors = "";
  // Read to its end: the engine would wait for a full pipe.
  engine.stderr.on("data", (chunk) => {
    errors = `${errors}${chunk}`.slice(-ERRORS_LENGTH_MAX);
  });
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await waitForResponse(endpoint, engine);
  } catch (error) {
    engine.kill();
    throw new Error(`${(error as Error).message}\n${errors}`);
  }
  return { endpoint, stop: () => void engine.kill() };
}

/** Returns why the engine could not be downloaded, if it could not. */
function fetchEngine(): string | undefined {
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
  // Renamed when it is complete, so that a download that was interrupted is repeated.
  const downloaded = `${libraries}-downloaded`;
  rmSync(downloaded, { recursive: true, force: true });
  const args = ["-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${downloaded}`];
  const fetched = spawnSync("mvn", args, { cwd: home, encoding: "utf8" });
  if (fetched.status !== 0)
    return `Maven could not download DynamoDB Local: ${fetched.stdout.trim().split("\n")[0]}`;
  renameSync(downloaded, libraries);
  return undefined;
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
