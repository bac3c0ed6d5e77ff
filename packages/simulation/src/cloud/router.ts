/**
 * Who hears what: the topology's own patterns, filters and templates, without a clock or a network.
 */
import { itemOfRow } from "@ferry/aws/status-item";
import type { BusEvent } from "@ferry/core/events";
import { inputTemplate, type PipeSpec, pipes, type QueueName, routes } from "@ferry/core/topology";
import { compilePattern } from "@ferry/emulator/eventbridge/event-pattern";
import { compileRuleTemplate } from "@ferry/emulator/eventbridge/input-template";
import { compileEntry } from "@ferry/emulator/eventbridge/pipe-target";
import type { RowChange } from "@ferry/memory/status-store";

/** What an event needs besides its id and time. */
export type Said = Pick<BusEvent, "detail-type" | "detail">;

const rules = Object.values(routes).map((route) => ({
  queue: route.queue,
  matches: compilePattern(route.pattern),
  render: compileRuleTemplate(inputTemplate(route)),
}));

/** The messages that an event becomes. */
export function routed(event: BusEvent): { queue: QueueName; body: string }[] {
  return rules
    .filter((rule) => rule.matches(event))
    .map(({ queue, render }) => ({ queue, body: render(event) }));
}

const reportFailures = pipe(pipes["report-failures"]!);
const announce = {
  backup: pipe(pipes["announce-backups"]!),
  restore: pipe(pipes["announce-restores"]!),
};

/** What the Pipe says of a message whose attempts ran out. */
export function reported(body: string): Said | undefined {
  return reportFailures({ body: JSON.parse(body) });
}

/** What the Pipe says of a row's change, if anything. */
export function announced({ before, after }: RowChange): Said | undefined {
  return announce[after.action]({
    dynamodb: { NewImage: itemOfRow(after), ...(before !== undefined && { OldImage: itemOfRow(before) }) },
  });
}

function pipe(spec: PipeSpec): (record: unknown) => Said | undefined {
  const filters = spec.filters?.map(compilePattern);
  const entry = compileEntry(spec);
  return (record) => {
    if (filters?.some((matches) => matches(record)) === false) return undefined;
    try {
      const { type, detail } = entry(record);
      return { "detail-type": type, detail: JSON.parse(detail) };
    } catch {
      // On AWS it ends in the Pipe's dead letters.
      return undefined;
    }
  };
}
