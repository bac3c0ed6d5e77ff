/**
 * Requests to another engine.
 */
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest, Agent as TlsAgent } from "node:https";
import { text } from "node:stream/consumers";

/** Returns a function that begins a request to the engine at the URL. Its connections are kept. */
export function openerFor(url: URL) {
  const isTls = url.protocol === "https:";
  const agent = new (isTls ? TlsAgent : Agent)({ keepAlive: true });
  const open = isTls ? httpsRequest : httpRequest;
  const { protocol, hostname, port, pathname: path } = url;
  return (options: Pick<RequestOptions, "path" | "method" | "headers">) =>
    open({ protocol, hostname, port, path, agent, ...options });
}

/** Throws an Error that says what to do if the engine at the URL does not answer `operation` with 200 and a body that contains `mark`. */
export async function requireAnswer(
  url: string,
  request: Pick<RequestOptions, "method" | "headers"> & { readonly body?: string },
  expected: { readonly operation: string; readonly service: string; readonly mark: string },
): Promise<void> {
  const { body: sentBody, ...options } = request;
  const sent = openerFor(new URL(url))(options);
  sent.end(sentBody);
  const [answer] = (await once(sent, "response").catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${url} cannot be reached (${error.code ?? error.message}): start the engine first`);
  })) as [IncomingMessage];
  const body = await text(answer);
  if (answer.statusCode !== 200 || !body.includes(expected.mark))
    throw new Error(
      `${url} does not answer ${expected.operation} like ${expected.service}, but with ${answer.statusCode}: ${body.slice(0, 200)}`,
    );
}
