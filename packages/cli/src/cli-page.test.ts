/**
 * Generates docs/cli.md from the commands.
 */
import { expect, test } from "vitest";
import { type CommandSpec, type OptionDetails, optionsOf, sharedOptions } from "./command.ts";
import { commands } from "./commands/all.ts";
import { exitCodeMeanings, exitCodes } from "./exit-codes.ts";
import { jsonShapes } from "./json-shapes.ts";

const HEAD = `# The ferry command

Generated from [packages/cli/src/commands](../packages/cli/src/commands); \`npx vitest run --project unit packages/cli --update\`
regenerates it. In a clone, \`npx ferry\` runs it.

It talks to a stage by its bus and its status tables, and to tables and buckets directly, with your own AWS credentials: it has no
permission that you do not have. \`--stage NAME\` or \`FERRY_STAGE\` names the stage; \`--local\` uses the host that \`npm run local\`
runs instead. If that host has another port than its default, \`FERRY_LOCAL\` is its URL; its banner prints it.

On a terminal, results have colours unless \`NO_COLOR\` is set. Results go to stdout, remarks and errors to stderr. An error has one line
that says what is wrong, and one that says what to do; \`--debug\` adds the stack trace.
`;

const cell = (text: string) => text.replaceAll("|", "\\|");

function optionRow([flags, { description, choices, fallback }]: [string, OptionDetails]): string {
  const values = choices === undefined ? "" : `: ${choices.map((choice) => `\`${choice}\``).join(", ")}`;
  const usual = fallback === undefined ? "" : `; default: ${fallback}`;
  return `| \`${cell(flags)}\` | ${cell(description + values + usual)} |`;
}

function section(command: CommandSpec): string {
  const usage = ["ferry", command.name, ...Object.keys(command.arguments)];
  const shared = Object.keys(sharedOptions(command)).map((flags) => `\`${flags.split(" ")[0]}\``);
  const rows = [
    ...Object.entries(command.arguments).map(([name, about]) => `| \`${name}\` | ${cell(about)} |`),
    ...optionsOf(command.options).map(optionRow),
  ];
  const examples = Object.entries(command.examples).map(([line, about]) => `${line}  # ${about}`);
  return [
    `## ${usage.join(" ")}`,
    `${command.summary[0]!.toUpperCase()}${command.summary.slice(1)}.${command.description === undefined ? "" : ` ${command.description}`}`,
    ...(rows.length === 0 ? [] : [["| | |", "| --- | --- |", ...rows].join("\n")]),
    `Common options: ${shared.join(", ")}.`,
    ...(command.json === undefined ? [] : [`With \`--json\`: ${command.json}`]),
    `\`\`\`sh\n${examples.join("\n")}\n\`\`\``,
  ].join("\n\n");
}

function page(): string {
  const shared = new Map(commands.flatMap((command) => optionsOf(sharedOptions(command))));
  const codes = Object.entries(exitCodeMeanings).map(
    ([name, meaning]) => `| ${exitCodes[name as keyof typeof exitCodes]} | ${meaning} |`,
  );
  const shapes = Object.entries(jsonShapes).map(
    ([name, { about, fields }]) =>
      `### ${name}\n\n${about}\n\n| field | |\n| --- | --- |\n${Object.entries(fields)
        .map(([field, text]) => `| \`${field}\` | ${cell(text)} |`)
        .join("\n")}`,
  );
  return `${[
    HEAD.trimEnd(),
    `| exit code | |\n| --- | --- |\n${codes.join("\n")}`,
    `Options that several commands have:\n\n| | |\n| --- | --- |\n${[...shared].map(optionRow).join("\n")}`,
    ...commands.map(section),
    "## JSON",
    'The shapes that `--json` prints. Fields may be added; a field that is listed keeps its meaning. Optional fields are marked with `?`. An error is one line on stderr, `{"error": {"code", "message", "hint"}}`: `code` is one of [errors.md](errors.md).',
    ...shapes,
  ].join("\n\n")}\n`;
}

test("docs/cli.md is generated from the commands", async () => {
  await expect(page()).toMatchFileSnapshot("../../../docs/cli.md");
});
