/**
 * Where the local host is: what `npm run local` listens on, and what clients of it use without being configured.
 */
export const localHost = {
  /** The default port on 127.0.0.1. */
  port: 4650,
  stage: "local",
  /** The region of the bus, the queues and the status tables: see docs/decisions/0003. */
  homeRegion: "eu-central-2",
  /** The environment variable with the host's endpoint, if it is another than the default. */
  variable: "FERRY_LOCAL",
} as const;
