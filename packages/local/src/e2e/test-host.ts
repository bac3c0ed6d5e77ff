/**
 * Local hosts for the end-to-end tests. The test files share a process, since a host, its engines and the SDK need a second of CPU
 * time until they are loaded and compiled.
 */
import { type BusEvent, parseMessage } from "@ferry/core/events/events";
import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";
import { vi } from "vitest";
import { type Host, type HostOptions, startHost } from "../host.ts";
import { createTestClient, someItems, type TestClient } from "./test-client.ts";

interface SharedHost {
  readonly host: Host;
  readonly client: TestClient;
  /** The events that ended tasks, of all test files. */
  readonly logged: readonly EventEnvelope[];
  /** The name of a table in us-east-1, which no test changes. At one read unit a second, a backup of it takes minutes. */
  largeTable(): Promise<string>;
  /** Whether a worker throws in place of handling an event. A test that sets it removes it. */
  isFailing?: ((event: BusEvent) => boolean) | undefined;
}

/** The error of a worker that a test lets fail. */
const INTENDED = "a test lets this worker fail";

/** Modules are loaded again after `startOwnHost`; this is not. */
const kept = globalThis as { ferrySharedHost?: Promise<SharedHost> };

/**
 * The host of all test files of this process that need no other: its tables, prefixes and request-ids must differ from theirs. It ends
 * with the process.
 */
export async function sharedHost(): Promise<SharedHost> {
  kept.ferrySharedHost ??= startShared();
  const shared = await kept.ferrySharedHost;
  // Another host's variables may have replaced them.
  Object.assign(process.env, shared.host.env);
  return shared;
}

async function startShared(): Promise<SharedHost> {
  const logged: EventEnvelope[] = [];
  const host = await startOwnHost({
    settings: { progressIntervalMs: 100, cancelPollIntervalMs: 200, retryDelaySeconds: 0 },
    onLogged: (event) => logged.push(event),
    log: (line) => {
      if (!line.includes(INTENDED)) console.error(line);
    },
    wrap: (consumer, handler) => async (event, context) => {
      const { isFailing } = shared;
      if (consumer !== "projection" && isFailing !== undefined)
        for (const { body } of event.Records)
          if (isFailing(parseMessage(body).event)) throw new Error(INTENDED);
      return handler(event, context);
    },
  });
  const client = await createTestClient(host);
  let large: Promise<string> | undefined;
  const shared: SharedHost = {
    host,
    client,
    logged,
    largeTable() {
      large ??= createLargeTable(client);
      return large;
    },
  };
  return shared;
}

async function createLargeTable(client: TestClient): Promise<string> {
  const name = "large";
  await client.createTables(
    name,
    someItems(100).map((item) => ({ ...item, text: { S: "x".repeat(30_000) } })),
  );
  return name;
}

/** Starts a host with these options, which the test file must stop. */
export function startOwnHost(options: HostOptions): Promise<Host> {
  // The handlers read their environment once, when their modules are loaded.
  vi.resetModules();
  return startHost(options);
}
