declare module "dynalite" {
  import type { Server } from "node:http";

  export interface Options {
    /** How long a table stays CREATING, ms. */
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }

  /** A server that is not listening. It takes its region from AWS_REGION when it is made. */
  export default function dynalite(options?: Options): Server;
}
