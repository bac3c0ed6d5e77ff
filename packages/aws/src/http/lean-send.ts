/**
 * Sends many calls that differ only in their raw body, with much less work than `client.send`.
 *
 * The first call of an operation on a table goes through the SDK's whole stack, which resolves endpoint, credentials, region and
 * authentication. Its signed request is the template of later calls. They are signed here, with the day's key kept, and use
 * the client's request handler, its protocol, which reads responses and errors, and its correction of clock skew.
 *
 * A call goes through the whole stack if there is no template for it: if the credentials changed since, if the client may try a
 * call more than once, or if the SDK did not sign exactly as this module does.
 */
import type {
  DynamoDBClient,
  DynamoDBClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from "@aws-sdk/client-dynamodb";
import type {
  AwsCredentialIdentity,
  ClientProtocol,
  Command,
  FinalizeRequestMiddleware,
  HandlerExecutionContext,
  HttpRequest,
  HttpResponse,
  SelectedHttpAuthScheme,
  StaticOperationSchema,
} from "@smithy/types";
import type { LeanHttpHandler } from "./lean-http.ts";
import { withRawBody } from "./raw-protocol.ts";
import { headOf } from "./sdk-requests.ts";
import { openSigner, type Signer } from "./signature-v4.ts";

type CommandOf<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = Command<
  ServiceInputTypes,
  Input,
  ServiceOutputTypes,
  Output,
  DynamoDBClientResolvedConfig
>;

const LINE_END = "\r\n";

type Protocol = ClientProtocol<HttpRequest, HttpResponse>;

/** A signed request of the SDK, and what its response is read with. */
interface Template {
  readonly identity: AwsCredentialIdentity;
  readonly scheme: SelectedHttpAuthScheme;
  readonly signer: Signer;
  /** Sends a body with its variable headers. */
  readonly send: (variable: Record<string, string>, body: Uint8Array) => Promise<HttpResponse>;
  readonly operation: Parameters<Protocol["deserializeResponse"]>[0];
  readonly context: Parameters<Protocol["deserializeResponse"]>[1];
}

/** By client and class of command: the template of each input. */
const templates = new WeakMap<DynamoDBClient, Map<unknown, Map<string, Template>>>();

/**
 * Sends a command with a raw body: see `withRawBody`. `Class` is the command's class, for instance ScanCommand. Returns and throws
 * what `client.send` would. The body is not used any more once it has returned; if it throws, it may be.
 */
export async function sendRaw<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  client: DynamoDBClient,
  Class: new (input: Input) => CommandOf<Input, Output>,
  input: Input,
  body: Uint8Array,
): Promise<Output> {
  const known = templatesOf(client, Class);
  const place = JSON.stringify(input);
  const template = known.get(place);
  if (template !== undefined && (await isCurrent(template, client)))
    return (await sendLike(template, body, client.config)) as Output;
  known.delete(place);
  const command = new Class(withRawBody(input, body));
  if ((await client.config.maxAttempts()) === 1)
    command.middlewareStack.addRelativeTo(
      storeTemplate(client.config, (template) => known.set(place, template)),
      { name: "storeTemplate", relation: "after", toMiddleware: "httpSigningMiddleware" },
    );
  return client.send(command);
}

function templatesOf(client: DynamoDBClient, Class: unknown): Map<string, Template> {
  const ofClient = templates.get(client) ?? new Map<unknown, Map<string, Template>>();
  templates.set(client, ofClient);
  const ofClass = ofClient.get(Class) ?? new Map<string, Template>();
  ofClient.set(Class, ofClass);
  return ofClass;
}

/** A middleware that passes on the template of a signed request, if there is one. */
function storeTemplate<Input extends object, Output extends object>(
  config: DynamoDBClientResolvedConfig,
  store: (template: Template) => void,
): FinalizeRequestMiddleware<Input, Output> {
  return (next, context) => async (args) => {
    const template = templateOf(args.request as HttpRequest, config, context);
    if (template !== undefined) store(template);
    return next(args);
  };
}

function templateOf(
  request: HttpRequest,
  config: DynamoDBClientResolvedConfig,
  context: HandlerExecutionContext,
): Template | undefined {
  const { selectedHttpAuthScheme: scheme, operationSchema } = context["__smithy_context"] as {
    selectedHttpAuthScheme?: SelectedHttpAuthScheme;
    operationSchema?: StaticOperationSchema;
  };
  if (scheme?.httpAuthOption.schemeId !== "aws.auth#sigv4" || operationSchema === undefined) return undefined;
  const identity = scheme.identity as AwsCredentialIdentity;
  const signer = openSigner(request, identity.secretAccessKey);
  const [, namespace, name, traits, input, output] = operationSchema;
  const operation = { namespace, name, traits, input, output };
  if (signer === undefined) return undefined;
  const send = senderOf(request, signer, config.requestHandler);
  return { identity, scheme, signer, send, operation, context: { ...config, ...context } };
}

/** Sends requests like this one. The workers' own handler gets them as text, which is made once except for the variable headers. */
function senderOf(
  request: HttpRequest,
  { constant }: Signer,
  handler: DynamoDBClientResolvedConfig["requestHandler"],
): Template["send"] {
  if (!isLean(handler))
    return async (variable, body) => {
      const fields = { headers: { ...constant, ...variable }, body };
      const like = Object.assign(Object.create(Object.getPrototypeOf(request)), request, fields);
      return (await handler.handle(like, {})).response;
    };
  const connections = handler.connectionsTo(request);
  const start = headOf(request, Object.entries(constant)).slice(0, -LINE_END.length);
  return (variable, body) => {
    let head = start;
    for (const name in variable) head += `${name}: ${variable[name]}${LINE_END}`;
    return connections.send(head + LINE_END, body);
  };
}

function isLean(handler: object): handler is LeanHttpHandler {
  return "connectionsTo" in handler;
}

/** Whether the client still has the template's credentials. It renews them before they expire. */
async function isCurrent({ identity, scheme }: Template, { config }: DynamoDBClient): Promise<boolean> {
  const now = await config.credentials(scheme.httpAuthOption.identityProperties);
  return (
    now === identity ||
    (now.accessKeyId === identity.accessKeyId &&
      now.secretAccessKey === identity.secretAccessKey &&
      now.sessionToken === identity.sessionToken)
  );
}

async function sendLike(
  { scheme, signer, send, operation, context }: Template,
  body: Uint8Array,
  config: DynamoDBClientResolvedConfig,
): Promise<object> {
  const nowMs = Date.now();
  // The SDK's signer keeps in these properties what its handlers of the response need.
  const properties = {
    ...scheme.httpAuthOption.signingProperties,
    _preRequestSystemClockOffset: config.systemClockOffset,
    _requestSentAt: nowMs,
  };
  const response = await send(signer.sign(body, nowMs + config.systemClockOffset), body);
  try {
    const output = await (config.protocol as Protocol).deserializeResponse(operation, context, response);
    scheme.signer.successHandler?.(response, properties);
    return output;
  } catch (error) {
    // As the SDK does: an error of a body that is not JSON has no status of its own.
    Object.assign(error as object, {
      $metadata: metadataOf(error) ?? { httpStatusCode: response.statusCode },
    });
    Object.defineProperty(error, "$response", { value: response, enumerable: false });
    // Throws the error. If it shows that the clock is wrong, this first corrects the client's offset.
    scheme.signer.errorHandler?.(properties)(error as Error);
    throw error;
  }
}

function metadataOf(error: unknown): object | undefined {
  return (error as { $metadata?: object }).$metadata;
}
