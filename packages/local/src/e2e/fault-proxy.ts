/**
 * Stands between the workers and the host, and can end the workers at any change they make. A crash is told from
 * outside by what was changed before it and what was not: so between two changes all moments are one, and a crash before
 * a change, or after it but before its answer, is every crash there is, however fast the machine.
 */
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request as open, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** Whether a change passes, or is the workers' last: not made, or made and never answered. */
export type Fate = "pass" | "crash before" | "crash after";

export interface FaultProxy {
  /** For the workers. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Calls on the wire that change something; besides these, S3's PUT. */
const CHANGES = new Set(["PutEvents", "PutItem", "UpdateItem", "BatchWriteItem"]);

/**
 * Opens one in front of `endpoint`. `fateOf` is asked for each change, named for instance `PutItem`, `PutObject /b/k`
 * or `PutEvents TaskAccepted`; `crash` must end the workers.
 */
export async function openFaultProxy(
  endpoint: string,
  fateOf: (change: string) => Fate,
  crash: (change: string, fate: Fate) => Promise<void>,
): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true });

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const change = changeOf(request, body);
    const fate = change === undefined ? "pass" : fateOf(change);
    if (fate === "crash before") return crash(change!, fate);
    const { statusCode, headers, content } = await forward(request, body);
    if (fate === "crash after") return crash(change!, fate);
    response.writeHead(statusCode!, headers).end(content);
  }

  async function forward({ method, url, headers }: IncomingMessage, body: Buffer) {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    open(new URL(url!, endpoint), { method: method!, headers, agent }, resolve).on("error", reject).end(body);
    const reply = await promise;
    return { statusCode: reply.statusCode, headers: reply.headers, content: await buffer(reply) };
  }

  const server = createServer((request, response) => {
    // A client that was killed has no use for an answer, and one that lives sees that it gets none.
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
