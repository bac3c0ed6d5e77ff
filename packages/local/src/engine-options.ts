/**
 * The options that name other engines. They are apart from what reads them: a command line is read before the host's modules are loaded.
 */

/** The options of `npm run local` and `npm run demo`. */
export interface EngineOptions {
  readonly dynamodb?: string;
  readonly s3?: string;
}

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
