/**
 * `npm run picture --workspace packages/cli`: runs ferry's commands in a terminal, against a local host with the sample, and writes
 * what they print to docs/ferry.svg. It needs `script`, which runs a command in a terminal, as Linux has it.
 */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { startOnTerminal } from "../e2e/on-terminal.ts";
import { startLocal } from "../e2e/start-local.ts";
import { screenOf } from "./screen.ts";
import { svgOf } from "./svg.ts";

const COLUMNS = 104;
const PROMPT = "\u001b[32m$\u001b[39m ";
const TABLE = "--local --table-region us-east-1";
const root = path.join(import.meta.dirname, "../../../..");

const { host, endpoint } = await startLocal();
try {
  const backup = await run(`ferry backup cities s3://archives/cities ${TABLE} --total-segments 4 --detach`);
  const [id] = /us-east-1-cities@\S+/.exec(backup) ?? [];
  const watch = await run(`ferry watch ${id} --local`);
  const verify = await run(`ferry verify s3://archives/cities ${TABLE} --against cities`);
  const output = [backup, watch, verify].join("\r\n");
  for (const own of [os.hostname(), os.homedir(), root, endpoint])
    if (output.includes(own)) throw new Error(`The picture would show this machine's ${own}.`);
  const picture = svgOf(
    await screenOf(output, COLUMNS),
    COLUMNS,
    "A terminal with ferry backup, watch, verify",
  );
  await writeFile(path.join(root, "docs/ferry.svg"), picture);
} finally {
  host.kill("SIGTERM");
  await once(host, "exit");
}

/** Runs a command in a terminal of its own. Resolves with a prompt, the command and all that it prints, once it succeeded. */
async function run(command: string): Promise<string> {
  const terminal = startOnTerminal(`cd '${root}'; stty cols ${COLUMNS} rows 50; ${command}`, {
    PATH: `${root}/node_modules/.bin:${process.env["PATH"]}`,
    FERRY_LOCAL: endpoint,
  });
  let output = "";
  terminal.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  const [code] = await once(terminal, "close");
  if (code !== 0) throw new Error(`${command} ended with code ${code}:\n${output}`);
  return `${PROMPT}${command}\r\n${output}`;
}
