/**
 * `npm run demo`: backs up and restores a real data set on this machine, and compares the restored table with the original.
 */
import { readDemoArguments } from "./arguments.ts";

const options = readDemoArguments();
// Its modules take longer to load than a command line to read, which may be wrong.
const { runDemo } = await import("./run-demo.ts");
await runDemo(options);
