import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { announcedTaskSchema, taskRefSchema } from "../request/task.ts";
import { eventPages } from "../testing/event-examples.ts";
import { announcements, callerTypes, pipes, routes } from "../topology.ts";
import { SOURCE } from "./events.ts";
import { backupPlanSchema, restorePlanSchema } from "./plan-schema.ts";
import { eventSchemas } from "./read-event.ts";

type EventType = keyof typeof eventSchemas;
/** The fields of valibot schemas that the functions below read. */
interface Schema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  readonly items?: readonly Schema[];
  readonly key?: Schema;
  readonly value?: Schema;
  readonly literal?: unknown;
  readonly options?: readonly unknown[];
  readonly alternatives?: readonly Schema[];
  readonly pipe?: readonly { readonly kind: string; readonly type: string; readonly description?: string }[];
}

/** Schemas that have their own section: name and schema. */
const shared: readonly (readonly [string, unknown])[] = [
  ["task", taskRefSchema],
  ["task", announcedTaskSchema],
  ["plan of a backup", backupPlanSchema],
  ["plan of a restore", restorePlanSchema],
];
const link = (name: string) => `[${name}](#${name.replaceAll(" ", "-")})`;

function describedAs(schema: Schema): string {
  const found = schema.pipe?.findLast(({ type }) => type === "description")?.description;
  return found ?? (schema.wrapped === undefined ? "" : describedAs(schema.wrapped));
}

/** The text for a type on the page. */
function typeOf(schema: Schema): string {
  const named = schema.entries && shared.find(([, one]) => (one as Schema).entries === schema.entries);
  if (named !== undefined) return link(named[0]);
  switch (schema.type) {
    case "optional":
    case "exact_optional":
      return typeOf(schema.wrapped!);
    case "literal":
      return `\`${JSON.stringify(schema.literal)}\``;
    case "picklist":
      return schema.options!.length > 10
        ? "string"
        : schema.options!.map((one) => `\`"${one}"\``).join(" or ");
    case "array":
      return `list of ${typeOf(schema.item!)}`;
    case "strict_tuple":
      return `list of ${schema.items!.length} ${typeOf(schema.items![0]!)}`;
    case "record":
      return `map of ${typeOf(schema.value!)}`;
    case "union":
      return (schema.options as readonly Schema[]).map(typeOf).join(" or ");
    case "lazy":
      return schema.alternatives!.map(typeOf).join(" or ");
    case "object":
    case "object_with_rest":
      return `object (${Object.entries(schema.entries!)
        .map(([name, one]) => `\`${name}\`${isOptional(one) ? "?" : ""}: ${typeOf(one)}`)
        .join(", ")})`;
    case "custom":
      return "DynamoDB JSON";
    case "unknown":
      return "any";
    default:
      expect(["string", "number", "boolean"]).toContain(schema.type);
      return schema.type;
  }
}

function isOptional(schema: Schema): boolean {
  return schema.type === "optional" || schema.type === "exact_optional";
}

/** One row for each field. If an object's fields have descriptions, each gets a row with its path. */
function rowsOf(schema: Schema, path = "", within = ""): string[] {
  return Object.entries(schema.entries!).flatMap(([name, one]) => {
    const inner = isOptional(one) ? one.wrapped! : one;
    const required = isOptional(one) ? "no" : within === "" ? "yes" : `in \`${within}\``;
    expect(describedAs(one), `${path}${name} has a description`).not.toBe("");
    const hasOwn = Object.values(inner.entries ?? {}).some((field) => describedAs(field) !== "");
    const isOpen =
      hasOwn && !/^\[/.test(typeOf(inner)) && !describedAs(inner).includes("request.schema.json");
    const type = isOpen
      ? "object"
      : describedAs(inner).includes("request.schema.json")
        ? "object"
        : typeOf(inner);
    const line = `| \`${path}${name}\` | ${type} | ${required} | ${describedAs(one)} |`;
    return isOpen ? [line, ...rowsOf(inner, `${path}${name}.`, isOptional(one) ? name : within)] : [line];
  });
}

function table(schema: unknown): string {
  const rows = rowsOf(schema as Schema).join("\n");
  return `| field | type | required | meaning |\n| --- | --- | --- | --- |\n${rows}\n`;
}

function page(): string {
  const types = Object.keys(eventPages) as EventType[];
  const section = (type: EventType) => {
    const { emitter, when, consumers, example } = eventPages[type];
    const isCallers = (callerTypes as readonly string[]).includes(type);
    return `## ${type}

- **source:** ${isCallers ? "any" : `\`${SOURCE}\``}
- **put by:** ${emitter}
- **when:** ${when}
- **consumers:** ${consumers}

${table(eventSchemas[type])}
\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`
`;
  };
  return `# Events

Generated from the schemas in [packages/core/src](../packages/core/src/events/read-event.ts) and the examples in the same package;
\`npm test -- --update\` regenerates it.

Ferry's bus is \`ferry-STAGE\`. Each heading below is a detail-type; its table lists the fields of the detail. Ferry checks each
detail against its schema and does not process one that does not match: the error \`malformed-event\` in the log names each invalid
field, and when its attempts run out, the message becomes a dead letter, for which there are alarms. Invalid requests, cancels and
retries are answered with \`TaskRejected\` or \`TaskControlRefused\` instead. Only Ferry's own roles may put events with the source
\`${SOURCE}\`.

Events are delivered at least once and in any order: a consumer must expect duplicates.

**Numbers in announcements.** The Pipes create \`TaskFinishing\`, \`TaskSucceeded\`, \`TaskFailed\` and \`TaskCancelled\` from the stream
of a status table. DynamoDB's streams represent a number as text (\`{"N": "5"}\`), and a Pipe's template cannot convert it, so the
numbers in these events are text, \`"5"\`. Their type is *number or string*: accept both. \`version\` is a number.

${types.map((type) => `- [${type}](#${type.toLowerCase()})`).join("\n")}

${types.map(section).join("\n")}
## Parts

### task

${table(taskRefSchema)}
In announcements \`timestamp\` is a number or a string.

### plan of a backup

${table(backupPlanSchema)}
### plan of a restore

${table(restorePlanSchema)}`;
}

test("docs/events.md matches the schemas (npm test -- --update regenerates it)", async () => {
  await expect(page()).toMatchFileSnapshot("../../../../docs/events.md");
});

test("the page documents every event that a rule routes, a Pipe puts or a caller may put", () => {
  const routed = Object.values(routes).flatMap(({ pattern }) => pattern["detail-type"] as string[]);
  const put = Object.values(pipes).map(({ detailType }) => detailType);
  const wired = new Set([
    ...routed,
    ...Object.values(announcements),
    ...callerTypes,
    ...put.filter((one) => !one.startsWith("$.")),
  ]);
  // No rule routes the refusal of a control.
  expect(Object.keys(eventSchemas).sort()).toEqual([...wired, "TaskControlRefused"].sort());
});

describe("the example of", () => {
  test.each(Object.keys(eventSchemas) as EventType[])("%s matches its schema", (type) => {
    const { example } = eventPages[type];
    expect(v.safeParse(eventSchemas[type] as v.GenericSchema, example).issues).toBeUndefined();
    // The example has no unknown field.
    const names = Object.keys((eventSchemas[type] as unknown as Schema).entries!);
    expect(names).toEqual(expect.arrayContaining(Object.keys(example as object)));
  });
});

test("an announcement's schema has exactly the fields that its Pipe's template writes", () => {
  const filled = (template: string) =>
    JSON.parse(
      template
        .replace(/"<\$[^>]*>"/g, '"x"')
        .replace(/<\$\.dynamodb\.NewImage\.plan>/, '{"S":"{}"}')
        .replace(/<\$[^>]*>/g, '"5"'),
    );
  for (const pipe of [pipes["announce-backups"]!, pipes["announce-restores"]!]) {
    const detail = filled(pipe.inputTemplate!);
    for (const type of ["TaskSucceeded", "TaskFailed", "TaskCancelled"] as const)
      expect(Object.keys(eventSchemas[type].entries).sort()).toEqual(Object.keys(detail).sort());
    expect(Object.keys(eventSchemas.TaskFinishing.entries).sort()).toEqual(
      [...Object.keys(detail), "checked-segments", "counted", "settings-waits"].sort(),
    );
    expect(Object.keys(announcedTaskSchema.entries).sort()).toEqual(Object.keys(detail.task).sort());
  }
});
