/**
 * The signals by which a person or a system stops a program.
 */

export const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** The terminal and npm, or npx, may both send a signal for one Ctrl-C. */
const SAME_PRESS_MS = 300;

/** Calls `stop` at the first signal. A later one ends the process at once, with code 130. Returns a function that ends this. */
export function onStopSignal(stop: () => void): () => void {
  let stoppedMs: number | undefined;
  const onSignal = () => {
    if (stoppedMs !== undefined && performance.now() - stoppedMs > SAME_PRESS_MS) process.exit(130);
    stoppedMs ??= performance.now();
    stop();
  };
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  return () => {
    for (const name of STOP_SIGNALS) process.removeListener(name, onSignal);
  };
}
