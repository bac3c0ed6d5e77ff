/**
 * The local host: the services that Ferry needs, on one port of 127.0.0.1, and Ferry's Lambda handlers in this process.
 * It is for trials and tests; all data is in memory.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { definedFields } from "@ferry/core/defined-fields";
import { localHost } from "@ferry/core/local-host";
import type { Settings } from "@ferry/core/settings/settings";
import {
  type ConsumerName,
  consumers,
  physicalName,
  type QueueName,
  type TableName,
  workerTable,
} from "@ferry/core/topology";
import { emulatedQueueUrl, queueArn } from "@ferry/emulator/arns";
import { startEngines } from "@ferry/emulator/engines/start";
import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";
import { type Handler, type Mapping, startMapping } from "@ferry/emulator/lambda/event-source-mapping";
import { type Handlers, loadHandlers } from "./handlers.ts";
import { LOGGED_TYPES } from "./task-log.ts";

export interface HostOptions {
  /** Default: a free port. */
  readonly port?: number;
  /** The URL of another DynamoDB engine, for all tables except Ferry's own. */
  readonly otherDynamoDb?: string;
  /** The URL of another S3 engine, for all buckets. */
  readonly otherS3?: string;
  readonly settings?: Partial<Settings>;
  /** Whether the rules deliver every event to every target twice, late and in another order. */
  readonly duplicate?: boolean;
  /** The most invocations of the backup and of the restore worker at once. */
  readonly maximumConcurrency?: number;
  /** Wraps a handler, for instance with faults. */
  readonly wrap?: (consumer: ConsumerName, handler: Handler) => Handler;
  /** Receives a line for each problem. Default: it is printed to stderr. */
  readonly log?: (line: string) => void;
  /** Receives the event that ends each task, and each refused cancel or retry. */
  readonly onLogged?: (event: EventEnvelope) => void;
}

export interface Host {
  /** `http://127.0.0.1:PORT`: all services, all regions. */
  readonly endpoint: string;
  readonly homeRegion: string;
  /** The environment variables that clients and handlers need. */
  readonly env: Readonly<Record<string, string>>;
  readonly names: {
    readonly bus: string;
    readonly queueUrl: (queue: Parameters<typeof physicalName>[1]) => string;
    readonly table: (table: TableName) => string;
  };
  /** Rejects if the engines' thread ends before `stop`. */
  readonly failed: Promise<never>;
  /** Stops everything within about two seconds, even if handlers are still running. */
  stop(): Promise<void>;
}

/** How long `stop` waits for running invocations. */
const STOP_TIMEOUT_MS = 1500;

/**
 * Starts the host with Ferry's handlers. They run in this process and read `process.env`, which this function sets. Node
 * loads a module once, so a process (a test file, for instance) can start one such host.
 */
export async function startHost(options: HostOptions = {}): Promise<Host> {
  return startHostWith(options, async (env) => {
    // A profile, session or endpoint in the environment must not send a local client to the real cloud.
    for (const name of Object.keys(process.env))
      if (name.startsWith("AWS_") && !(name in env)) delete process.env[name];
    Object.assign(process.env, env);
    return loadHandlers();
  });
}

/** Starts the host with the handlers that `load` returns; `load` receives the handlers' environment. */
export async function startHostWith(
  options: HostOptions,
  load: (env: Readonly<Record<string, string>>) => Promise<Handlers>,
): Promise<Host> {
  const { log = (line: string) => console.error(line), wrap = (_, handler) => handler } = options;
  const { stage, homeRegion } = localHost;
  const retryDelaySeconds = options.settings?.retryDelaySeconds ?? 1;
  const engines = await startEngines(
    definedFields({
      stage,
      homeRegion,
      port: options.port ?? 0,
      duplicate: options.duplicate ?? false,
      retryDelaySeconds,
      otherDynamoDb: options.otherDynamoDb,
      otherS3: options.otherS3,
      reportedTypes: LOGGED_TYPES,
    }),
    log,
    options.onLogged,
  );
  const names: Host["names"] = {
    bus: physicalName(stage, "bus"),
    queueUrl: (queue) => emulatedQueueUrl(engines.endpoint, homeRegion, physicalName(stage, queue)),
    table: (table) => physicalName(stage, table),
  };
  const env = environment(engines.endpoint, names, { ...options.settings, retryDelaySeconds });
  const mappings: Mapping[] = [];
  const end = async () => {
    const ended = Promise.all(mappings.map((mapping) => mapping.stop()));
    await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    await engines.stop();
  };
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= end();
    return stopped;
  };

  try {
    const handlers = await load(env);
    for (const name of Object.keys(consumers) as ConsumerName[]) {
      const spec = consumers[name];
      mappings.push(
        startMapping({
          functionName: `ferry-${stage}-${name}`,
          handler: wrap(name, handlers[name]),
          sqs: engines.sqs,
          queueUrl: names.queueUrl(spec.queue),
          queueArn: queueArn(homeRegion, physicalName(stage, spec.queue)),
          region: homeRegion,
          batchSize: spec.batchSize,
          // The projector keeps its own low limit: concurrent invocations conflict on the rows.
          maximumConcurrency:
            name === "projection"
              ? spec.maximumConcurrency
              : (options.maximumConcurrency ?? spec.maximumConcurrency),
          retryDelaySeconds,
          // The workers set it; the projector relies on its queue's visibility timeout.
          setsVisibility: name !== "projection",
          log,
        }),
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint: engines.endpoint, homeRegion, env, names, failed: engines.failed, stop };
}

/** The variables of clients (AWS_…) and of Ferry's handlers: the links, in the form that SST gives them. */
function environment(endpoint: string, names: Host["names"], settings: object): Record<string, string> {
  const { stage, homeRegion: region } = localHost;
  const link = (name: string, value: object) => [`SST_RESOURCE_${name}`, JSON.stringify(value)] as const;
  const queue = (name: QueueName) => ({ url: names.queueUrl(name) });
  const table = (name: TableName) => ({ name: names.table(name) });
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    ...Object.fromEntries([
      link("App", { name: "ferry", stage }),
      link("Bus", { name: names.bus }),
      link("BackupQueue", queue("backup-queue")),
      link("RestoreQueue", queue("restore-queue")),
      link("BackupTable", table("backup-table")),
      link("RestoreTable", table("restore-table")),
      link("SegmentTable", table("segment-table")),
      link("WorkerTable", { name: physicalName(stage, workerTable.name) }),
      link("Settings", settings),
    ]),
  };
}
