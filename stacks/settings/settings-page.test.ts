import * as v from "valibot";
import { expect, test } from "vitest";
import { stageSchema } from "./schema.ts";

/** The fields of valibot schemas that the functions below read. */
interface Schema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  readonly default?: unknown;
  readonly options?: readonly unknown[];
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
}

/** The values that a setting may have. */
function valuesOf(schema: Schema, unit: string): string {
  const requirement = (type: string) => schema.pipe?.find((one) => one.type === type)?.requirement;
  switch (schema.type) {
    case "optional":
      return valuesOf(schema.wrapped!, unit);
    case "number":
      return [requirement("min_value"), "to", requirement("max_value"), unit].join(" ").trimEnd();
    case "picklist":
      return schema.options!.join(", ");
    case "array":
      return "list";
    case "strict_object":
      return "object";
    case "record":
      return "names and values";
    case "boolean":
      return "`true`, `false`";
    default:
      expect(["string", "union"]).toContain(schema.type);
      return "text";
  }
}

function defaultOf({ type, default: value, wrapped }: Schema): string {
  if (type !== "optional") return "required";
  // Each of its fields has its own row.
  if (wrapped?.entries !== undefined) return "";
  return value === undefined || typeof value === "object" ? "none" : String(value);
}

/** One row for each setting, and for each field of one. */
function rowsOf(schema: Schema, path = ""): string[] {
  return Object.entries(schema.entries!).flatMap(([name, field]) => {
    const generic = field as unknown as v.GenericSchema;
    const description = v.getDescription(generic) ?? "";
    expect(description, `${path}${name} has a description`).not.toBe("");
    const values = valuesOf(field, String(v.getMetadata(generic)["unit"] ?? ""));
    const inner = field.wrapped ?? field;
    const within = inner.item?.entries === undefined ? inner : inner.item;
    const listed = within === inner ? "" : "[]";
    // docs/events.md and README.md describe the fields of a request.
    const fields =
      within.entries === undefined || name === "request" ? [] : rowsOf(within, `${path}${name}${listed}.`);
    return [`| \`${path}${name}\` | ${values} | ${defaultOf(field)} | ${description} |`, ...fields];
  });
}

test("docs/settings.md matches the schema (npm test -- --update regenerates it)", async () => {
  const rows = rowsOf(stageSchema as unknown as Schema);
  const page = `# Settings of a stage

Generated from [schema.ts](../stacks/settings/schema.ts) and, for the settings that the workers read,
[settings.ts](../packages/core/src/settings/settings.ts); \`npm test -- --update\` regenerates it.

The settings of each stage are in [stages.ts](../stacks/stages.ts). A deploy refuses unknown settings, values out of range and
settings that contradict each other, with one message that names them all.

| setting | values | default | meaning |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
  await expect(page).toMatchFileSnapshot("../../docs/settings.md");
});
