/**
 * Which DynamoDB engine the local host uses for the tables of its users: its own, or another that runs already.
 */
import { requireDynamoDb } from "@ferry/emulator/engines/other-dynamodb";

/** The services of the host that no other engine can replace, by the SDK's variables. */
const OWN_SERVICES = ["S3", "SQS", "EVENTBRIDGE"];
const OPTION = "--dynamodb";
const VARIABLE = "AWS_ENDPOINT_URL_DYNAMODB";

/**
 * The URL of another engine, from the option --dynamodb or from AWS_ENDPOINT_URL_DYNAMODB; undefined: the host's own. Throws an
 * Error that says what to do if the environment or the option asks for what the host cannot do.
 */
export async function readOtherDynamoDb(
  option: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  for (const service of OWN_SERVICES) {
    const name = `AWS_ENDPOINT_URL_${service}`;
    if (env[name])
      throw new Error(
        `${name} is ${env[name]}, but the local host has its own ${service}: unset it. Only DynamoDB can be another engine (${OPTION} URL).`,
      );
  }
  const [name, text] = option === undefined ? [VARIABLE, env[VARIABLE]] : [OPTION, option];
  if (!text) return undefined;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Error(`${name} must be a URL such as http://127.0.0.1:8000: got ${text}`);
  if (/\.amazonaws\.com(\.cn)?$/.test(url.hostname))
    throw new Error(
      `${name} must not be AWS, which refuses the local host's credentials: got ${text}. Deploy Ferry to use it there.`,
    );
  await requireDynamoDb(url.href).catch((error: Error) => {
    throw new Error(`${name}: ${error.message}`);
  });
  return url.href;
}
