/**
 * Requests as the SDK's middleware makes them: their text, and the connections to their servers.
 */
import type { HttpRequest } from "@smithy/types";
import { type ConnectionOptions, type Connections, openConnections } from "./connections.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not occur.
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/;

/** Connections to the servers of requests, which are opened as they are needed. `destroy` ends all of them. */
export function connectionsByOrigin(options: ConnectionOptions) {
  const byOrigin = new Map<string, Connections>();
  return {
    connectionsTo({ protocol, hostname, port }: HttpRequest): Connections {
      const origin = `${protocol}//${hostname}:${port}`;
      let connections = byOrigin.get(origin);
      if (connections === undefined) {
        connections = openConnections(
          {
            isTls: protocol === "https:",
            // An IPv6 address is in brackets.
            host: hostname.replace(/^\[(.*)\]$/, "$1"),
            port: port ?? DEFAULT_PORTS[protocol]!,
          },
          options,
        );
        byOrigin.set(origin, connections);
      }
      return connections;
    },
    destroy(): void {
      for (const connections of byOrigin.values()) connections.destroy();
    },
  };
}

/** The head of a request as on the wire, with these headers in place of its own. */
export function headOf(
  request: HttpRequest,
  headers: Iterable<readonly [name: string, value: string]>,
): string {
  let head = `${request.method} ${pathOf(request)} HTTP/1.1\r\n`;
  for (const [name, value] of headers) {
    if (CONTROL.test(name) || CONTROL.test(value))
      throw new TypeError(`the header ${JSON.stringify(name)} has a character that is not allowed`);
    head += `${name}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}

function pathOf({ path, query = {} }: HttpRequest): string {
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    [value ?? ""].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
  );
  return parameters.length === 0 ? path : `${path}?${parameters.join("&")}`;
}
