/**
 * The Pipes to the bus: from the request queue, from the redrive queue, and from the streams of the backup and restore
 * tables.
 */
import { SOURCE } from "@ferry/core/events/events";
import { type PipeSpec, pipes as specs } from "@ferry/core/topology";
import { bus } from "../bus/bus.ts";
import { rules } from "../bus/rules.ts";
import { arnOf } from "../naming/arns.ts";
import { logicalNameOf, resourceName } from "../naming/names.ts";
import { busPolicy } from "../permissions/bus-policy.ts";
import { useOwnKey } from "../permissions/own-key.ts";
import { putConditions } from "../permissions/put-events.ts";
import { queuePolicies } from "../permissions/queue-policies.ts";
import { serviceRole } from "../permissions/service-role.ts";
import { settings } from "../settings/stage-settings.ts";
import { pipeSource } from "./pipe-source.ts";

/**
 * What must exist before the first event of a Pipe: without a rule's target, or its queue's policy, the event would be lost.
 */
const delivery = [...rules.map(({ target }) => target), ...queuePolicies, busPolicy];

function pipe(key: string, spec: PipeSpec) {
  const name = resourceName(key);
  const source = pipeSource(spec.from);
  const role = serviceRole(`${logicalNameOf(key)}PipeRole`, {
    name: `${name}-pipe`,
    service: "pipes.amazonaws.com",
    sourceArn: arnOf("pipes", `pipe/${name}`),
    statements: [
      ...source.statements,
      ...useOwnKey("dynamodb", "sqs"),
      {
        actions: ["events:PutEvents"],
        resources: [bus.arn],
        conditions: putConditions(spec.types),
      },
    ],
  });
  const logs = new aws.cloudwatch.LogGroup(`${logicalNameOf(key)}PipeLogs`, {
    name: `/aws/vendedlogs/pipes/${name}`,
    retentionInDays: settings.logRetentionDays,
  });
  new aws.pipes.Pipe(
    `${logicalNameOf(key)}Pipe`,
    {
      name,
      roleArn: role.arn,
      source: source.arn,
      sourceParameters: {
        ...source.parameters,
        // Only Pipes on streams have filters: a Pipe on a queue deletes the messages that do not match its filter.
        ...(spec.filters !== undefined && {
          filterCriteria: { filters: spec.filters.map((filter) => ({ pattern: JSON.stringify(filter) })) },
        }),
      },
      target: bus.arn,
      targetParameters: {
        eventbridgeEventBusParameters: { source: SOURCE, detailType: spec.detailType },
        ...(spec.inputTemplate !== undefined && { inputTemplate: spec.inputTemplate }),
      },
      logConfiguration: { level: "ERROR", cloudwatchLogsLogDestination: { logGroupArn: logs.arn } },
    },
    { dependsOn: [role, ...delivery] },
  );
  return { key, name };
}

/** Every Pipe: its key in the topology, and its physical name. */
export const stagePipes = Object.entries(specs).map(([key, spec]) => pipe(key, spec));
