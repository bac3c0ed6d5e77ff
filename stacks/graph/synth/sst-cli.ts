/** Answers the calls that SST's components make to SST's CLI. */
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { json } from "node:stream/consumers";
import { bundleHandler, root } from "./bundle.ts";
import type { BuiltFunction } from "./graph.ts";

interface Build {
  readonly functionID: string;
  readonly handler: string;
  readonly links: Record<string, Record<string, unknown>>;
}

/**
 * Starts the server. It adds each function to `functions`, with its bundle: that of the same handler in `built`, or one that
 * it writes below `scratch`.
 */
export async function startSstCli(scratch: string, built: Readonly<Record<string, BuiltFunction>>) {
  const functions: Record<string, BuiltFunction> = {};
  const bundles = new Map(Object.values(built).map(({ handler, bundle }) => [handler, bundle]));

  async function build({ functionID, handler, links }: Build) {
    let bundle = bundles.get(handler);
    if (bundle === undefined) {
      const directory = path.join(scratch, functionID);
      mkdirSync(directory, { recursive: true });
      await bundleHandler(handler, directory);
      bundle = path.relative(root, path.join(directory, "bundle.mjs"));
    }
    functions[functionID] = { handler, links, bundle };
    const out = path.dirname(path.join(root, bundle));
    return { handler: `bundle${path.extname(handler)}`, out, errors: [], sourcemaps: [] };
  }

  const answers: Record<string, (params: never) => unknown> = {
    "Provider.Aws.Bootstrap": () => ({
      asset: "sst-asset",
      state: "sst-state",
      assetEcrRegistryId: "111111111111",
      assetEcrUrl: "ecr/sst-asset",
      appsyncHttp: "appsync-http",
      appsyncRealtime: "appsync-realtime",
    }),
    "Provider.Aws.Appsync": () => ({ http: "appsync-http", realtime: "appsync-realtime" }),
    "Runtime.AddTarget": ({ functionID, handler, links }: Build) => {
      functions[functionID] = { handler, links };
      return true;
    },
    "Runtime.Build": (params: Build) =>
      build(params).catch((error: Error) => ({
        handler: "",
        out: "",
        errors: [error.message],
        sourcemaps: [],
      })),
  };

  const server = createServer(async (request, response) => {
    const { method, params } = (await json(request)) as { method: string; params: [never] };
    const answer = answers[method];
    const reply =
      answer === undefined
        ? { error: `synth does not answer ${method}` }
        : { result: await answer(params[0]) };
    response.end(JSON.stringify(reply));
  });
  // On a busy machine SST's client would reuse a connection at the moment at which the server closes it as idle.
  server.keepAliveTimeout = 0;
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, functions, stop: () => server.close() };
}
