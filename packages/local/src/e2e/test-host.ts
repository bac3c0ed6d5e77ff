/**
 * Local hosts for the end-to-end tests. The test files share a process, since a host, its engines and the SDK need a second of CPU
 * time until they are loaded and compiled.
 */
import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";
import { vi } from "vitest";
import { type Host, type HostOptions, startHost } from "../host.ts";
import { createTestClient, type TestClient } from "./test-client.ts";

interface SharedHost {
  readonly host: Host;
  readonly client: TestClient;
  /** The events that ended tasks, of all test files. */
  readonly logged: readonly EventEnvelope[];
}

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
  const settings = { progressIntervalMs: 100, cancelPollIntervalMs: 200, retryDelaySeconds: 0 };
  const host = await startOwnHost({ settings, onLogged: (event) => logged.push(event) });
  return { host, client: await createTestClient(host), logged };
}

/** Starts a host with these options, which the test file must stop. */
export function startOwnHost(options: HostOptions): Promise<Host> {
  // The handlers read their environment once, when their modules are loaded.
  vi.resetModules();
  return startHost(options);
}
