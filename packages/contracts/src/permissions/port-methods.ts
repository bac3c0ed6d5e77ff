/**
 * The methods of the ports that each function's code calls: its permissions are made for these. The simulation compares them
 * with the calls of its seeds.
 */
export const portMethods = {
  backup: {
    tables: ["describe", "identify", "scan", "settings"],
    archive: ["get", "head", "list", "open", "putNew"],
    status: ["read"],
    bus: ["put"],
    limiter: ["release", "reserve"],
    claims: ["claim", "complete", "release"],
    registry: ["claimRow", "findRequest", "raiseAttempt", "recordControl", "registerRequest"],
    search: ["inState", "ofKey"],
    lastErrors: ["record"],
  },
  restore: {
    tables: ["count", "describe", "identify", "insert", "scan", "write"],
    admin: ["apply", "create", "owner"],
    archive: ["get", "list", "open"],
    status: ["read"],
    bus: ["put"],
    limiter: ["release", "reserve"],
    claims: ["arrive", "claim", "complete", "leave", "release"],
    leases: ["read", "replace"],
    registry: ["claimRow", "findRequest", "raiseAttempt", "recordControl", "registerRequest"],
    search: ["inState", "ofKey"],
    lastErrors: ["record"],
  },
  projection: {
    store: ["raise", "read", "write"],
    bus: ["put"],
    claims: ["release"],
    registry: ["claimRow", "findRequest", "isClaimed", "raiseAttempt", "recordControl"],
    search: ["inState", "ofKey"],
    lastErrors: ["read"],
  },
  monitor: { store: ["read", "write"] },
} as const;

/** A function, as the stacks name it. */
export type FunctionName = keyof typeof portMethods;

/** A call as `FUNCTION PORT.METHOD`. */
export function callsOf(
  methods: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>,
): string[] {
  return Object.entries(methods)
    .flatMap(([name, ports]) =>
      Object.entries(ports).flatMap(([port, ofPort]) => ofPort.map((method) => `${name} ${port}.${method}`)),
    )
    .sort();
}
