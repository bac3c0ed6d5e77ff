/**
 * The demo's options.
 */
import { npmScript, wholeNumberFrom } from "@ferry/terminal/npm-script";
import { type EngineOptions, engineOptions, readEngineUrl } from "../engine-options.ts";
import { CITIES_MAX } from "./cities.ts";

export interface DemoOptions extends EngineOptions {
  readonly items: number;
  readonly segments: number;
  readonly json: boolean;
  readonly keep: boolean;
}

/** Reads the command line. If it is wrong, prints what was expected and ends the process with code 2. */
export function readDemoArguments(): DemoOptions {
  return npmScript(
    "demo",
    "Loads real data into a DynamoDB table, backs it up, restores it in another region and compares both tables.",
    "The exit code is 0 only if both tables are identical.",
  )
    .option("--items <N>", "number of items", wholeNumberFrom(1, CITIES_MAX + 1), CITIES_MAX + 1)
    .option("--segments <N>", "number of segments of the backup", wholeNumberFrom(1, 999), 8)
    .option("--json", "print only one line of JSON at the end", false)
    .option("--keep", "keep the host running afterwards", false)
    .option(engineOptions.dynamodb.flags, engineOptions.dynamodb.about, readEngineUrl)
    .option(engineOptions.s3.flags, engineOptions.s3.about, readEngineUrl)
    .parse()
    .opts<DemoOptions>();
}
