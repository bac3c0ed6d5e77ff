/**
 * Which engines the local host uses for the tables and the buckets of its users: its own, or others that run already.
 */
import { definedFields } from "@ferry/core/defined-fields";
import { localHost } from "@ferry/core/local-host";
import { requireDynamoDb } from "@ferry/emulator/engines/other-dynamodb";
import { requireS3 } from "@ferry/emulator/engines/other-s3";
import { type EngineOptions, engineUrlProblem } from "./engine-options.ts";

/** The URLs of other engines. Absent: the host's own engine. */
export interface OtherEngines {
  readonly otherDynamoDb?: string;
  readonly otherS3?: string;
}

/** The services of the host that no other engine can replace, by the SDK's variables: the bus delivers to the queues. */
const OWN_SERVICES = ["SQS", "EVENTBRIDGE"];
const COMMON_VARIABLE = "AWS_ENDPOINT_URL";

/**
 * The URLs of other engines, from the options or the SDK's variables for one service. Throws an Error that says what to do if the
 * environment or an option asks for what the host cannot do.
 */
export async function readOtherEngines(
  options: EngineOptions,
  env: NodeJS.ProcessEnv,
): Promise<OtherEngines> {
  for (const service of OWN_SERVICES) {
    const name = `${COMMON_VARIABLE}_${service}`;
    if (env[name])
      throw new Error(
        `${name} is ${env[name]}, but the local host has its own ${service}: unset it. Only DynamoDB and S3 can be other engines (--dynamodb URL, --s3 URL).`,
      );
  }
  const common = env[COMMON_VARIABLE];
  // A shell in which the lines that a local host prints were executed has its address in both.
  if (common && common !== env[localHost.variable])
    throw new Error(
      `${COMMON_VARIABLE} is ${common}, but the local host has its own SQS and EventBridge: unset it, and name the engine of tables or buckets with --dynamodb URL or --s3 URL.`,
    );
  const dynamodb = await read("dynamodb", options.dynamodb, env, requireDynamoDb);
  const s3 = await read("s3", options.s3, env, requireS3);
  return definedFields({ otherDynamoDb: dynamodb, otherS3: s3 });
}

async function read(
  service: keyof EngineOptions,
  option: string | undefined,
  env: NodeJS.ProcessEnv,
  require: (url: string) => Promise<void>,
): Promise<string | undefined> {
  const variable = `${COMMON_VARIABLE}_${service.toUpperCase()}`;
  const [name, text] = option === undefined ? [variable, env[variable]] : [`--${service}`, option];
  if (!text) return undefined;
  const problem = engineUrlProblem(text);
  if (problem !== undefined) throw new Error(`${name} ${problem}`);
  const { href } = new URL(text);
  await require(href).catch((error: Error) => {
    throw new Error(`${name}: ${error.message}`);
  });
  return href;
}
