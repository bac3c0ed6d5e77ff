/** The functions: on their queues, one by one accountable, as large and as long as the settings say. */
import {
  type ConsumerName,
  consumers,
  physicalName,
  pipes,
  type QueueName,
  type TableName,
  workerTable,
} from "@ferry/core/topology";
import { ACCOUNT, REGION } from "../../tools/synth/mocks.ts";
import { type Check, type Deployment, differences, ofType, same, unless } from "./check.ts";

const consumerNames = Object.keys(consumers) as ConsumerName[];
const workers = ["backup", "restore"] as const;
const DEV_CONCURRENCY = 2;

const functionName = (stage: string, name: string) => `ferry-${stage}-${name}`;
const functionOf = (deployment: Deployment, name: string) =>
  ofType(deployment, "Function").find(({ inputs }) => inputs.name === functionName(deployment.stage, name))
    ?.inputs ?? {};
const mappingOf = (deployment: Deployment, name: ConsumerName) =>
  ofType(deployment, "EventSourceMapping").find(({ inputs }) =>
    inputs.eventSourceArn.endsWith(`:${physicalName(deployment.stage, consumers[name].queue)}`),
  )?.inputs ?? {};
const settingsOf = ({ settings }: Deployment, name: ConsumerName) =>
  ({ backup: settings.backupWorker, restore: settings.restoreWorker, projection: settings.projector })[name];

const consumersAreTheTopologys: Check = {
  name: "consumers-are-the-topologys",
  broken: (deployment) => [
    ...differences(
      "function",
      [...consumerNames, "watch"].map((name) => functionName(deployment.stage, name)),
      ofType(deployment, "Function").map(({ inputs }) => inputs.name),
    ),
    ...differences(
      "consumer of",
      consumerNames.map((name) => physicalName(deployment.stage, consumers[name].queue)),
      ofType(deployment, "EventSourceMapping").map(({ inputs }) => inputs.eventSourceArn.split(":").at(-1)),
    ),
    ...consumerNames.flatMap((name) => {
      const mapping = mappingOf(deployment, name);
      return [
        ...unless(
          mapping.functionName?.endsWith(`:${functionName(deployment.stage, name)}`) === true,
          `${consumers[name].queue} is read by ${mapping.functionName}`,
        ),
        ...unless(
          mapping.batchSize === consumers[name].batchSize,
          `${name} takes ${mapping.batchSize} messages at once instead of ${consumers[name].batchSize}`,
        ),
        ...unless(mapping.filterCriteria === undefined, `${name} filters: what does not match is deleted`),
      ];
    }),
  ],
};

/** Otherwise one bad message takes the others of its batch back to the queue, and an answer of failures is unread. */
const batchesFailInParts: Check = {
  name: "batches-fail-in-parts",
  broken: (deployment) =>
    consumerNames.flatMap((name) =>
      unless(
        same(mappingOf(deployment, name).functionResponseTypes, ["ReportBatchItemFailures"]),
        `${name} cannot report the failure of one message`,
      ),
    ),
};

const concurrencyIsBounded: Check = {
  name: "concurrency-is-bounded",
  broken: (deployment) =>
    consumerNames.flatMap((name) => {
      const found = mappingOf(deployment, name).scalingConfig?.maximumConcurrency;
      const expected = deployment.dev ? DEV_CONCURRENCY : settingsOf(deployment, name).concurrency;
      return unless(found === expected, `${name} may run ${found} times at once instead of ${expected}`);
    }),
};

const workersMayContinueThemselves: Check = {
  name: "workers-may-continue-themselves",
  broken: (deployment) =>
    workers.flatMap((name) =>
      unless(
        ofType(deployment, "FunctionRecursionConfig").some(
          ({ inputs }) =>
            inputs.functionName === functionName(deployment.stage, name) && inputs.recursiveLoop === "Allow",
        ),
        `Lambda's loop detection would stop the ${name} worker after 16 hand-offs`,
      ),
    ),
};

const functionsAreAsSet: Check = {
  name: "functions-are-as-set",
  broken: (deployment) =>
    [...consumerNames, "watch" as const].flatMap((name) => {
      const found = functionOf(deployment, name);
      // In dev SST puts a stub of its own in the function's place.
      const runtime = deployment.dev ? "provided.al2023" : "nodejs24.x";
      const architecture = deployment.dev ? "x86_64" : "arm64";
      const isDevConsumer = deployment.dev && name !== "watch";
      const set = name === "watch" ? { memoryMb: 256, timeoutSeconds: 60 } : settingsOf(deployment, name);
      return [
        ...unless(found.runtime === runtime, `${name} runs on ${found.runtime}`),
        ...unless(same(found.architectures, [architecture]), `${name} runs on ${found.architectures}`),
        ...unless(found.memorySize === set.memoryMb, `${name} has ${found.memorySize} MB`),
        ...unless(
          found.timeout === (isDevConsumer ? 900 : set.timeoutSeconds),
          `${name} is stopped after ${found.timeout} s`,
        ),
        ...unless(
          found.loggingConfig?.logGroup === `/aws/lambda/${functionName(deployment.stage, name)}`,
          `${name} logs to ${found.loggingConfig?.logGroup}`,
        ),
        ...unless(
          found.role?.endsWith(`:role/${functionName(deployment.stage, name)}`) === true,
          `${name} has the role ${found.role}`,
        ),
        // The metrics' namespace and their one dimension: alarms and dashboard look there.
        ...unless(
          found.environment?.variables.POWERTOOLS_METRICS_NAMESPACE === "Ferry" &&
            found.environment.variables.POWERTOOLS_SERVICE_NAME === functionName(deployment.stage, name),
          `${name}'s metrics go where no alarm looks`,
        ),
      ];
    }),
};

/** What each handler reads from `Resource`, values and all: written down a second time. */
function expectedLinks({ stage, settings }: Deployment) {
  const table = (name: TableName) => ({ name: physicalName(stage, name) });
  const queue = (name: QueueName) => ({
    url: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${physicalName(stage, name)}`,
  });
  const tables = {
    BackupTable: table("backup-table"),
    RestoreTable: table("restore-table"),
    SegmentTable: table("segment-table"),
  };
  const worker = {
    WorkerTable: { name: physicalName(stage, workerTable.name) },
    Bus: { name: physicalName(stage, "bus") },
    Settings: {
      maximumSegments: settings.maximumSegments,
      sliceBudgetMs: settings.sliceBudgetSeconds * 1_000,
      progressIntervalMs: settings.progressIntervalMs,
      lookIntervalMs: settings.lookIntervalMs,
      batchSpacingMs: settings.batchSpacingMs,
      compressionLevel: settings.compressionLevel,
      maximumIdleHops: settings.maximumIdleHops,
      taskTimeoutMs: settings.taskTimeoutHours * 60 * 60 * 1_000,
      maximumFileBytesInMemory: settings.maximumFileBytesInMemory,
      maximumFileBytes: settings.maximumFileBytes,
      retryDelaySeconds: settings.retryDelaySeconds,
    },
  };
  return {
    backup: { ...worker, BackupQueue: queue("backup-queue"), BackupTable: tables.BackupTable },
    restore: { ...worker, RestoreQueue: queue("restore-queue"), RestoreTable: tables.RestoreTable },
    projection: tables,
    watch: {
      ...tables,
      Watch: {
        pipes: Object.keys(pipes).map((key) => `ferry-${stage}-${key}`),
        index: "by-state",
        silentMs: settings.stalledAfterMinutes * 60 * 1_000,
      },
    },
  };
}

/** A link's values, without the note of SST's on what it is. */
const valuesOf = ({ type: _, ...values }: Readonly<Record<string, unknown>>) => values;

const handlersAreLinked: Check = {
  name: "handlers-are-linked",
  broken: (deployment) => {
    const built = Object.values(deployment.graph.functions);
    return Object.entries(expectedLinks(deployment)).flatMap(([name, links]) => {
      const handler =
        name === "watch" ? "packages/watch/src/handler.handler" : `packages/aws/src/handlers/${name}.handler`;
      const found = built.find((one) => one.handler === handler);
      if (found === undefined) return [`no function is built from ${handler}`];
      return [
        ...differences(`${name}'s link`, Object.keys(links), Object.keys(found.links)),
        ...Object.entries(links).flatMap(([link, values]) => {
          const told = valuesOf(found.links[link] ?? {});
          return unless(same(told, values), `${name} is told ${link} is ${JSON.stringify(told)}`);
        }),
      ];
    });
  },
};

export const workerChecks: readonly Check[] = [
  consumersAreTheTopologys,
  batchesFailInParts,
  concurrencyIsBounded,
  workersMayContinueThemselves,
  functionsAreAsSet,
  handlersAreLinked,
];
