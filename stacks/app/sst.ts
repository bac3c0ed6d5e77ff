/**
 * `npm run sst -- COMMAND --stage NAME`: runs SST's CLI after the checks of the stage's settings, account and region.
 * sst.config.ts and the stacks make the same checks, but SST reports their errors only in its log, or after it has
 * created its state bucket.
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { parseArgs } from "node:util";
import { callerAccount } from "../settings/caller-account.ts";
import { parseStage } from "../settings/parse.ts";
import { refuseOtherTarget } from "../settings/target.ts";
import { stages } from "../stages.ts";

const root = path.join(import.meta.dirname, "../..");
const args = process.argv.slice(2);
const { values, positionals } = parseArgs({
  args,
  options: { stage: { type: "string" } },
  strict: false,
  allowPositionals: true,
});
const { stage } = values;

if (typeof stage !== "string" || positionals.length === 0)
  fail("npm run sst -- COMMAND --stage NAME, for instance: npm run sst -- deploy --stage production");
try {
  const settings = parseStage(stages, stage, positionals[0] === "dev");
  await refuseOtherTarget(stage, settings, process.env, callerAccount);
} catch (error) {
  fail((error as Error).message);
}
const { status } = spawnSync(path.join(root, "node_modules/.bin/sst"), args, { cwd: root, stdio: "inherit" });
process.exit(status ?? 1);

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
