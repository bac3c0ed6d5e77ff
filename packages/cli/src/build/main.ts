/**
 * `npm run build --workspace packages/cli`: builds the package in packages/cli/dist.
 */
import path from "node:path";
import { buildPackage } from "./build-package.ts";

await buildPackage(path.join(import.meta.dirname, "../../dist"));
