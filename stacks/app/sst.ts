/**
 * `npm run sst -- COMMAND --stage NAME`: runs SST's CLI after the checks of the stage's settings, account and region.
 * sst.config.ts and the stacks make the same checks, but SST reports their errors only in its log, or after it has
 * created its state bucket.
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { npmScript } from "@ferry/terminal/npm-script";
import { callerAccount } from "../settings/caller-account.ts";
import { parseStage } from "../settings/parse.ts";
import { refuseOtherTarget } from "../settings/target.ts";
import { stages } from "../stages.ts";

const root = path.join(import.meta.dirname, "../..");
const args = process.argv.slice(2);
const program = npmScript("sst", "Runs SST's CLI.")
  // SST reads all options, --help too. A --stage without a name is true.
  .helpOption(false)
  .allowUnknownOption()
  .allowExcessArguments()
  .option("--stage [NAME]")
  .parse();
const { stage } = program.opts<{ stage?: string | true }>();
const command = program.args.find((arg) => !arg.startsWith("-"));

if (typeof stage !== "string" || command === undefined)
  fail("npm run sst -- COMMAND --stage NAME, for instance: npm run sst -- deploy --stage production");
try {
  const settings = parseStage(stages, stage, command === "dev");
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
