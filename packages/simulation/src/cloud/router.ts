/**
 * Routes events, messages and row changes by the topology's own patterns, filters and templates, without clock or network.
 */
import type { BusEvent } from "@ferry/core/events/events";
import { inputTemplate, type PipeSpec, pipes, type QueueName, routes } from "@ferry/core/topology";
import { compilePattern } from "@ferry/emulator/eventbridge/event-pattern";
import { compileRuleTemplate } from "@ferry/emulator/eventbridge/input-template";
import { compileEntry } from "@ferry/emulator/eventbridge/pipe-target";
import type { RowChange } from "@ferry/memory/status-store";
import { itemOf } from "./row-item.ts";

/** An event without its id, time and source. */
export type EventBody = Pick<BusEvent, "detail-type" | "detail">;

export type Router = ReturnType<typeof createRouter>;

/** Delivers by the topology as it is when the router is created: a mutant may change it between two runs. */
export function createRouter() {
  const rules = Object.values(routes).map((route) => ({
    queue: route.queue,
    matches: compilePattern(route.pattern),
    render: compileRuleTemplate(inputTemplate(route)),
  }));
  const reportFailures = pipe(pipes["report-failures"]!);
  const announce = {
    backup: pipe(pipes["announce-backups"]!),
    restore: pipe(pipes["announce-restores"]!),
  };

  return {
    /** The messages that the bus sends for an event. */
    routed(event: BusEvent): { queue: QueueName; body: string }[] {
      return rules
        .filter((rule) => rule.matches(event))
        .map(({ queue, render }) => ({ queue, body: render(event) }));
    },
    /** The event that the Pipe puts for a dead letter; undefined if the message does not say which. */
    reported(body: string): EventBody | undefined {
      return reportFailures({ body });
    },
    /** The event that the Pipe puts for a row change, if any. */
    announced({ before, after }: RowChange): EventBody | undefined {
      return announce[after.action]({
        dynamodb: {
          NewImage: itemOf(after),
          ...(before !== undefined && { OldImage: itemOf(before) }),
        },
      });
    },
  };
}

function pipe(spec: PipeSpec): (record: unknown) => EventBody | undefined {
  const filters = spec.filters?.map(compilePattern);
  const entry = compileEntry(spec);
  return (record) => {
    if (filters?.some((matches) => matches(record)) === false) return undefined;
    try {
      const { type, detail } = entry(record);
      return { "detail-type": type, detail: JSON.parse(detail) };
    } catch {
      // On AWS the record goes to the Pipe's dead letters.
      return undefined;
    }
  };
}
