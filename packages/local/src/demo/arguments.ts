/**
 * The demo's options.
 */
import { parseArgs } from "node:util";
import { CITIES_MAX } from "./cities.ts";

const help = `Loads real data into a DynamoDB table, backs it up, restores it in another region and compares both tables.

  npm run demo -- [--items N] [--segments N] [--json] [--keep] [--dynamodb URL]

  --items N        number of items; default: all ${CITIES_MAX + 1}
  --segments N     number of segments of the backup, 1 to 999; default: 8
  --json           print only one line of JSON at the end
  --keep           keep the host running afterwards
  --dynamodb URL   use another DynamoDB engine, such as DynamoDB Local, for both tables
  --help           print this text

The exit code is 0 only if both tables are identical.`;

export interface DemoOptions {
  readonly items: number;
  readonly segments: number;
  readonly json: boolean;
  keep: boolean;
  readonly dynamodb: string | undefined;
}

/** Reads the command line. If it is wrong, prints what was expected and ends the process with code 2. */
export function readDemoArguments(): DemoOptions {
  const { values } = parsed();
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  return {
    items: wholeNumber("--items", values.items, CITIES_MAX + 1, CITIES_MAX + 1),
    segments: wholeNumber("--segments", values.segments, 8, 999),
    json: values.json,
    keep: values.keep,
    dynamodb: values.dynamodb,
  };
}

function parsed() {
  try {
    return parseArgs({
      options: {
        items: { type: "string" },
        segments: { type: "string" },
        json: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        dynamodb: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(name: string, given: string | undefined, fallback: number, max: number): number {
  if (given === undefined) return fallback;
  if (!/^\d+$/.test(given) || Number(given) < 1 || Number(given) > max)
    return fail(`${name} must be a whole number from 1 to ${max}: got ${given}`);
  return Number(given);
}

function fail(message: string): never {
  console.error(`ferry demo: ${message}\n"npm run demo -- --help" lists the options.`);
  process.exit(2);
}
