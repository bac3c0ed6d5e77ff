/**
 * Runs the suites of tables and status stores, and the whole tasks of packages/local that can use another engine, on DynamoDB Local,
 * AWS's own engine, which is the reference for semantics. It needs Java 17 and Maven, so it is a separate command:
 * `npm run test:dynamodb-local --workspace packages/contracts`.
 */
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { prepareDynamoDbLocal, startDynamoDbLocal } from "./start-dynamodb-local.ts";

const root = join(import.meta.dirname, "../../..");

const problem = prepareDynamoDbLocal();
if (problem !== undefined) {
  console.error(`${problem}.`);
  process.exit(1);
}
const engine = await startDynamoDbLocal();
try {
  const tests = spawnSync(
    join(root, "node_modules/.bin/vitest"),
    [
      "run",
      ...["--project", "contract", "packages/contracts/src/endpoint.contract.test.ts"],
      ...["--project", "e2e", "packages/local/src/e2e/other-engines.e2e.test.ts"],
    ],
    {
      cwd: root,
      stdio: "inherit",
      env: {
        ...process.env,
        PATH: [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
        FERRY_TEST_DYNAMODB_ENDPOINT: engine.endpoint,
        FERRY_TEST_DYNAMODB_LOCAL: "1",
      },
    },
  );
  process.exitCode = tests.status ?? 1;
} finally {
  engine.stop();
}
