/**
 * The bus's contract suite on the AWS adapter and the emulator's EventBridge, over HTTP.
 */
import type { Server } from "node:http";
import { eventBus } from "@ferry/aws/bus";
import { eventBridgeClient } from "@ferry/aws/clients";
import { pointSdkAt } from "@ferry/contracts/aws-subjects";
import { busContract } from "@ferry/contracts/bus";
import type { FerryEvent } from "@ferry/core/events/events";
import { afterAll, vi } from "vitest";
import { type Services, startGateway } from "../engines/gateway.ts";
import { createLocalBus } from "./bus.ts";

// The suite tests that refused entries are put again, not how long the adapter waits.
vi.mock("node:timers/promises", () => ({ setTimeout: async () => {} }));

const REGION = "eu-west-1";
const NAME = "ferry-contract-bus";

let server: Server | undefined;
afterAll(() => {
  server?.closeAllConnections();
  server?.close();
});

busContract("the AWS adapter and the local EventBridge", async () => {
  let taken: FerryEvent[] = [];
  let refusals = 0;
  const bus = createLocalBus({
    name: NAME,
    region: REGION,
    deliver: (event) => {
      taken.push({ type: event["detail-type"], detail: event.detail } as unknown as FerryEvent);
    },
    rules: { call: () => undefined },
    log: console.error,
  });
  /**
   * EventBridge may refuse any entry. The emulator refuses only malformed ones, so the entries to refuse are malformed here.
   */
  const events: Services["events"] = (region, target, body) => {
    const input = JSON.parse(body.toString()) as { Entries: Record<string, unknown>[] };
    const refused = input.Entries.map(() => refusals-- > 0);
    const Entries = input.Entries.map((entry, i) =>
      refused[i] ? { ...entry, Detail: "refuse this" } : entry,
    );
    return bus.call(region, target, Buffer.from(JSON.stringify({ Entries })));
  };
  const absent = () => {
    throw new Error("this suite uses only a bus");
  };
  const services = { events, dynamodb: absent, s3: absent, sqs: absent };
  server = await startGateway(0, Promise.resolve(services), console.error);
  pointSdkAt(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
  return {
    bus: eventBus(eventBridgeClient(REGION), NAME),
    taken: () => taken,
    forget: () => {
      taken = [];
    },
    refuseNext: (entries) => {
      refusals = entries;
    },
  };
});
