/**
 * The seam for faults and schedules: a port whose every call passes through one function.
 */

/** A call on a port, as it is about to be made. */
export interface PortCall {
  readonly port: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/**
 * The port with `visit` around each of its calls. `visit` runs the call by `run`, or does not: so a test delays it,
 * counts it, lets it fail before it has an effect or loses its answer after.
 */
export function intercept<T extends object>(
  name: string,
  port: T,
  methods: readonly (keyof T & string)[],
  visit: (call: PortCall, run: () => Promise<unknown>) => Promise<unknown>,
): T {
  const around = methods.map((method) => {
    const original = port[method] as (...args: unknown[]) => Promise<unknown>;
    return [
      method,
      (...args: unknown[]) => visit({ port: name, method, args }, () => original.apply(port, args)),
    ];
  });
  return { ...port, ...Object.fromEntries(around) };
}
