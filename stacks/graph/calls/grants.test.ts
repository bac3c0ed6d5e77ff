/** The roles of the functions allow exactly what their code calls, and what AWS's services do on their behalf. */
import { expect, test } from "vitest";
import { deploymentOf } from "../testing/graphs.ts";
import { allowed, CALLS_FILE, isFor, type Use, uses } from "./grants.ts";

// Its settings have every kind of resource.
const granted = allowed(deploymentOf("every-setting"));
const used = uses();
const describeUse = ({ function: name, action, resource }: Omit<Use, "by">) =>
  `${name}: ${action} on ${resource}`;

test("every call of a function's code is allowed by its role", () => {
  const missing = used.filter((use) => !granted.some(isFor(use)));
  expect(missing.map((use) => `${describeUse(use)}, by ${use.by}`)).toEqual([]);
});

test("every permission of a function's role is used", () => {
  const unused = granted.filter((one) => !used.some((use) => isFor(use)(one)));
  expect(unused.map(describeUse)).toEqual([]);
});

const DATA = new Set(["a table", "a bucket", "an object", "a key"]);

test.each([
  { stage: "only-backups", withData: ["backup"] },
  { stage: "only-restores", withData: ["restore"] },
])("given the stage $stage, only the role of $withData has access to data", ({ stage, withData }) => {
  const onData = allowed(deploymentOf(stage)).filter(({ resource }) => DATA.has(resource));
  expect([...new Set(onData.map((one) => one.function))]).toEqual(withData);
});

test("docs/permissions.md lists them (npm test -- --update regenerates it)", async () => {
  await expect(page()).toMatchFileSnapshot("../../../docs/permissions.md");
});

function page(): string {
  const sections = ["backup", "restore", "projection", "monitor"].map((name) => {
    const rows = granted
      .filter((one) => one.function === name)
      .map((one) => {
        const by = used.filter((use) => isFor(use)(one)).map((use) => use.by);
        const cells = [`\`${one.action}\``, one.resource, by.join("; "), conditionText(one.condition)];
        return `| ${cells.join(" | ")} |`;
      })
      .sort();
    return `## ${name}\n\n| action | resource | used by | only if |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return `# Permissions of the functions

Generated from the synthesized graph and from [the calls of the code](../${CALLS_FILE}); \`npm test -- --update\` regenerates it. A test runs each
method of the adapters that a function's code uses, and records the calls. Another one compares them with the roles: a call without a
permission fails it, and so does a permission without a call. The roles of Pipes and schedules, and the callers' policy, are in
[stacks/permissions](../stacks/permissions) and in the snapshots of the graph.

A name such as \`backup-table\` is Ferry's own resource, \`ferry-STAGE-backup-table\`. *a table*, *a bucket*, *an object* and *a key* are
those that the stage's settings list; *the stage's own key* is \`ownKmsKey\`.

${sections.join("\n")}`;
}

/** The conditions, in one line: `events:source = ferry`. */
function conditionText(condition: (typeof granted)[number]["condition"]): string {
  const texts = Object.entries(condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) =>
      operator === "Null"
        ? `\`${key}\` is ${[values].flat()[0] === "false" ? "set" : "not set"}`
        : `\`${key}\` is ${[values]
            .flat()
            .map((value) => `\`${value}\``)
            .join(" or ")}`,
    ),
  );
  return texts.join(" and ");
}
