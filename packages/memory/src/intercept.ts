/**
 * Intercepts all calls of a port, to inject faults and to control their order.
 */

/** A call on a port before it is made. */
export interface PortCall {
  readonly port: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/**
 * Wraps the calls of a port's `methods` in `visit`, which makes the call by `run` or does not. So it can delay or count the
 * call, fail it before its effect or lose its response after it.
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
