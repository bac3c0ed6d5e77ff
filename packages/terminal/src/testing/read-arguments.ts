/**
 * Reads a script's command line in this process. A process for each test would take most of the test's CPU time.
 */

/** What a script would have printed and its exit code; 0 if it would go on. */
export interface ScriptEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit code ${code}`);
    this.code = code;
  }
}

/** Calls `read` with these arguments on the process's command line. */
export function readWith(args: readonly string[], read: () => unknown): ScriptEnd {
  const { argv, exit } = process;
  const printed = { stdout: "", stderr: "" };
  const streams = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const { write } = stream;
    stream.write = (text: string | Uint8Array) => {
      printed[name] += text;
      return true;
    };
    return () => {
      stream.write = write;
    };
  });
  let code = 0;
  process.argv = ["node", "script", ...args];
  process.exit = (given) => {
    throw new Exit(Number(given ?? 0));
  };
  try {
    read();
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    code = error.code;
  } finally {
    process.argv = argv;
    process.exit = exit;
    for (const restore of streams) restore();
  }
  return { code, ...printed };
}
