#!/usr/bin/env node
/**
 * The ferry command.
 */
import { enableCompileCache } from "node:module";

// Node keeps compiled modules in the system's folder for temporary files, and does not compile them again at the next start. It
// must be on before the other modules are loaded.
enableCompileCache();
const { runCommandLine } = await import("./command-line.ts");
process.exitCode = await runCommandLine(process.argv.slice(2));
