/**
 * The options that name other engines. They are apart from what reads them: a command line is read before the host's modules are loaded.
 */
import { textWithout } from "@ferry/terminal/npm-script";

/** The options of `npm run local` and `npm run demo`. */
export interface EngineOptions {
  readonly dynamodb?: string;
  readonly s3?: string;
}

/** What is wrong with a text as the URL of another engine, as a predicate; undefined if it may be one. */
export function engineUrlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    return `must be a URL such as http://127.0.0.1:8000: got ${text}`;
  if (/\.amazonaws\.com(\.cn)?$/.test(url.hostname))
    return `must not be AWS, which refuses the local host's credentials: got ${text}. Deploy Ferry to use it there.`;
  return undefined;
}

/** The reader of both options' values. */
export const readEngineUrl = textWithout(engineUrlProblem);

export const engineOptions = {
  dynamodb: {
    flags: "--dynamodb <URL>",
    about:
      "use another DynamoDB engine, such as DynamoDB Local, for all tables except Ferry's own (default: AWS_ENDPOINT_URL_DYNAMODB, if it is set)",
  },
  s3: {
    flags: "--s3 <URL>",
    about: "use another S3 engine for all buckets (default: AWS_ENDPOINT_URL_S3, if it is set)",
  },
} as const;
