import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { afterEach, expect, test, vi } from "vitest";
import { type Host, type HostOptions, startHostWith } from "./host.ts";
import type { Handler } from "./lambda/event-source-mapping.ts";

let host: Host | undefined;
afterEach(async () => await host?.stop());

async function start(
  handlers: Partial<Record<"backup" | "restore" | "projection", Handler>>,
  options: HostOptions = {},
) {
  const none: Handler = async () => {};
  host = await startHostWith({ settings: { retryDelaySeconds: 0 }, log: () => {}, ...options }, async () => ({
    backup: none,
    restore: none,
    projection: none,
    ...handlers,
  }));
  return host;
}

test("smoke", async () => {
  const seen: unknown[] = [];
  const { endpoint, names } = await start({
    backup: async (event) => {
      seen.push(...event.Records.map((record) => JSON.parse(record.body)));
    },
  });
  const events = new EventBridgeClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  const before = performance.now();
  const output = await events.send(
    new PutEventsCommand({
      Entries: [
        {
          EventBusName: names.bus,
          Source: "test",
          DetailType: "TaskRequested",
          Detail: JSON.stringify({ request: { action: "backup" } }),
        },
      ],
    }),
  );
  expect(output.FailedEntryCount).toBe(0);
  await vi.waitFor(() => expect(seen).toHaveLength(1));
  console.log(performance.now() - before, JSON.stringify(seen));
});
