/**
 * A Pipe's target: converts a record to an event and puts it on the bus.
 */
import { SOURCE } from "@ferry/core/events/events";
import type { PipeSpec } from "@ferry/core/topology";
import type { LocalBus } from "./bus.ts";
import { compilePipeTemplate } from "./input-template.ts";
import { compilePath } from "./json-path.ts";

/**
 * Returns a function from a record to its event. It throws an Error if the detail-type is not a string, or not one that the
 * Pipe's role may put. `detail` is JSON.
 */
export function compileEntry(spec: PipeSpec): (record: unknown) => { type: string; detail: string } {
  const render = spec.inputTemplate === undefined ? JSON.stringify : compilePipeTemplate(spec.inputTemplate);
  const detailType = spec.detailType.startsWith("$") ? compilePath(spec.detailType) : () => spec.detailType;
  return (record) => {
    const read = withParsedBody(record);
    const type = detailType(read);
    if (typeof type !== "string" || type === "")
      throw new Error(`the detail-type ${spec.detailType} is ${JSON.stringify(type)}, not a string`);
    if (!spec.types.includes(type))
      throw new Error(
        `NotAuthorizedForDetailTypeException: the Pipe may put ${spec.types.join(", ")}, not ${type}`,
      );
    return { type, detail: render(spec.inputTemplate === undefined ? record : read) };
  };
}

/** A record as paths read it: a message's body that is JSON is parsed, any other is a string. */
function withParsedBody(record: unknown): unknown {
  const { body } = record as { readonly body?: unknown };
  if (typeof body !== "string") return record;
  try {
    return { ...(record as object), body: JSON.parse(body) as unknown };
  } catch {
    return record;
  }
}

/** The bus on which Pipes put events. */
export interface TargetBus {
  readonly name: string;
  readonly region: string;
  readonly put: LocalBus["put"];
}

/**
 * Returns a function that puts a record's event. It throws an Error if the detail-type is not a string, if the template's
 * result is not a JSON object, or if the bus refuses the entry.
 */
export function compilePipeTarget(spec: PipeSpec, bus: TargetBus): (record: unknown) => void {
  const entry = compileEntry(spec);
  return (record) => {
    const { type, detail } = entry(record);
    const { Entries } = bus.put(bus.region, {
      Entries: [{ EventBusName: bus.name, Source: SOURCE, DetailType: type, Detail: detail }],
    });
    for (const entry of Entries)
      if ("ErrorCode" in entry) throw new Error(`${entry.ErrorCode}: ${entry.ErrorMessage}`);
  };
}
