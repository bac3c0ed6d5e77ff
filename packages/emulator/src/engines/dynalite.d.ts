declare module "dynalite" {
  import type { Server } from "node:http";

  export interface Options {
    /** How long a table stays CREATING, ms. */
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }

  /** Creates a server that does not listen. It reads its region from AWS_REGION when it is created. */
  export default function dynalite(options?: Options): Server;
}
