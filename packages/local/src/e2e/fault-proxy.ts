/**
 * A proxy between the workers and the host that can end the workers at any change they make. From outside, crashes
 * differ only in which changes were made before them. So a crash before a change, and a crash after it but before its
 * answer, cover all crashes, at any speed of the machine.
 */
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request as open, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** What the proxy does with a change: it passes, or the workers crash before it is made, or after it and without an answer. */
export type ChangeOutcome = "pass" | "crash before" | "crash after";

export interface FaultProxy {
  /** The endpoint that the workers use. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Operations that change something; S3's PUT is another. */
const CHANGES = new Set(["PutEvents", "PutItem", "UpdateItem", "BatchWriteItem"]);

/**
 * Opens a proxy in front of `endpoint`. It calls `outcomeOf` for each change, with a name such as `PutItem`,
 * `PutObject /b/k` or `PutEvents TaskAccepted`; `crash` must end the workers.
 */
export async function openFaultProxy(
  endpoint: string,
  outcomeOf: (change: string) => ChangeOutcome,
  crash: (change: string, outcome: ChangeOutcome) => Promise<void>,
): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true });

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const change = changeOf(request, body);
    const outcome = change === undefined ? "pass" : outcomeOf(change);
    if (outcome === "crash before") return crash(change!, outcome);
    const { statusCode, headers, content } = await forward(request, body);
    if (outcome === "crash after") return crash(change!, outcome);
    response.writeHead(statusCode!, headers).end(content);
  }

  async function forward({ method, url, headers }: IncomingMessage, body: Buffer) {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    open(new URL(url!, endpoint), { method: method!, headers, agent }, resolve).on("error", reject).end(body);
    const reply = await promise;
    return { statusCode: reply.statusCode, headers: reply.headers, content: await buffer(reply) };
  }

  const server = createServer((request, response) => {
    // A killed client needs no answer; a living one sees the broken connection.
    pass(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function changeOf({ method, url, headers }: IncomingMessage, body: Buffer): string | undefined {
  if (method === "PUT") return `PutObject ${url!.split("?")[0]}`;
  const operation = String(headers["x-amz-target"]).split(".").at(-1)!;
  if (!CHANGES.has(operation)) return undefined;
  if (operation !== "PutEvents") return operation;
  const { Entries } = JSON.parse(body.toString()) as { Entries: { DetailType: string }[] };
  return `PutEvents ${Entries.map(({ DetailType }) => DetailType).join(" ")}`;
}
