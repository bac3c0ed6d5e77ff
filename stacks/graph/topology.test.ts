/** The synthesized stack has exactly the resources that packages/core/src/topology.ts declares. */
import {
  consumers,
  inputTemplate,
  pipes,
  queues,
  routes,
  rowIndexes,
  tables,
  workerTable,
} from "@ferry/core/topology";
import { expect, test } from "vitest";
import { type Deployment, resourcesOfType } from "./invariants/invariant.ts";
import { roleGrants } from "./invariants/policies.ts";
import { deploymentOf } from "./testing/graphs.ts";

// With default settings, which equal the topology's numbers.
const deployment = deploymentOf("production");

/** The inputs of all resources of a type by physical name, without the stage. */
// biome-ignore lint/suspicious/noExplicitAny: the inputs of any resource.
const inputsByName = (type: string, of: Deployment = deployment): Record<string, any> =>
  Object.fromEntries(resourcesOfType(of, type).map(({ inputs }) => [short(inputs.name), inputs]));
const short = (name: string) => name.replace("ferry-production-", "");
/** The name at the end of an ARN or a URL. */
const endOf = (arn: string) => short(/[^:/]+$/.exec(arn)![0]);
/** The types that a role may put. */
const typesOf = (roleArn: string): string[] | undefined =>
  roleGrants(deployment).find(
    ({ owner, statement }) => roleArn.endsWith(`/${owner}`) && statement.Action.includes("events:PutEvents"),
  )?.statement.Condition?.["StringEquals"]?.["events:detail-type"] as string[] | undefined;
/** A stream's ARN has the table's name in the middle. */
const tableOf = (streamArn: string) => short(/table\/([^/]+)\/stream/.exec(streamArn)![1]!);
const mapValues = <A, B>(of: Record<string, A>, to: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [key, to(value)]));

test("given the routes, when synthesized, then each is one rule with one target", () => {
  const targets = resourcesOfType(deployment, "EventTarget").map(({ inputs }) => inputs);
  expect(targets).toHaveLength(Object.keys(routes).length);
  const actual = mapValues(inputsByName("EventRule"), (rule) => {
    const target = targets.find((one) => one.rule === rule.name)!;
    return {
      bus: rule.eventBusName,
      state: rule.state ?? "ENABLED",
      pattern: JSON.parse(rule.eventPattern),
      queue: endOf(target.arn),
      inputTemplate: target.inputTransformer.inputTemplate,
      messageGroup: target.sqsTarget?.messageGroupId,
    };
  });
  expect(actual).toEqual(
    mapValues(routes, (route) => ({
      bus: "ferry-production",
      state: "ENABLED",
      pattern: route.pattern,
      queue: route.queue,
      inputTemplate: inputTemplate(route),
      messageGroup: route.messageGroup,
    })),
  );
});

test("given the queues, when synthesized, then attempts and dead letters are the topology's", () => {
  const actual = mapValues(inputsByName("Queue"), ({ redrivePolicy }) => {
    const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(redrivePolicy ?? "{}");
    return deadLetterTargetArn && { attempts: maxReceiveCount, deadLetters: endOf(deadLetterTargetArn) };
  });
  const withoutDeadLetters = ["request-dead-letters", "projection-dead-letters", "redrive-dead-letters"];
  expect(actual).toEqual({
    ...queues,
    ...Object.fromEntries([...withoutDeadLetters, "undelivered-queue"].map((name) => [name, undefined])),
  });
});

test("given the consumers, when synthesized, then each function reads its queue", () => {
  const actual = resourcesOfType(deployment, "EventSourceMapping").map(({ inputs }) => [
    endOf(inputs.functionName),
    {
      queue: endOf(inputs.eventSourceArn),
      batchSize: inputs.batchSize,
      maximumConcurrency: inputs.scalingConfig.maximumConcurrency,
    },
  ]);
  expect(actual).toHaveLength(Object.keys(consumers).length);
  expect(Object.fromEntries(actual)).toEqual(consumers);
});

test("given the tables, when synthesized, then keys and streams are the topology's", () => {
  const actual = mapValues(inputsByName("Table"), (table) => {
    const key = (name?: string) => table.attributes.find((one: { name: string }) => one.name === name);
    return {
      hash: key(table.hashKey),
      range: key(table.rangeKey),
      stream: table.streamEnabled && table.streamViewType,
      expires: table.ttl?.attributeName,
    };
  });
  const { hash, expires } = workerTable;
  expect(actual).toEqual({
    // The filter "the state became X" compares both images.
    ...mapValues(tables, (table) => ({ ...table, stream: table.stream && "NEW_AND_OLD_IMAGES" })),
    [workerTable.name]: { hash, expires, stream: false },
  });
});

test("given the tables with rows, when synthesized, then their indexes are the topology's", () => {
  const actual = mapValues(inputsByName("Table"), ({ attributes, globalSecondaryIndexes = [] }) => ({
    indexes: globalSecondaryIndexes,
    // DynamoDB refuses a definition of an attribute that is not a key.
    attributes: attributes.map(({ name }: { name: string }) => name).sort(),
  }));
  for (const name of ["backup-table", "restore-table"])
    expect(actual[name]).toEqual({
      indexes: rowIndexes.map((index) => ({
        name: index.name,
        hashKey: index.hash.name,
        rangeKey: index.range?.name,
        projectionType: "KEYS_ONLY",
      })),
      attributes: ["key", "request-id", "state", "timestamp"],
    });
  for (const name of ["segment-table", workerTable.name]) expect(actual[name]?.indexes).toEqual([]);
});

test("given the Pipes, when synthesized, then source, filters, event and types are the topology's", () => {
  const actual = mapValues(inputsByName("Pipe"), (pipe) => ({
    from: pipe.source.includes(":sqs:") ? { queue: endOf(pipe.source) } : { table: tableOf(pipe.source) },
    detailType: pipe.targetParameters.eventbridgeEventBusParameters.detailType,
    types: typesOf(pipe.roleArn),
    inputTemplate: pipe.targetParameters.inputTemplate,
    filters: pipe.sourceParameters.filterCriteria?.filters.map(({ pattern }: { pattern: string }) =>
      JSON.parse(pattern),
    ),
  }));
  expect(actual).toEqual(pipes);
});
