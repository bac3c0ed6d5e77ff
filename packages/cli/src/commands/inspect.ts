import type { CommandSpec } from "../command.ts";
import { reading } from "./archive-options.ts";

export const inspectCommand: CommandSpec = {
  name: "inspect",
  summary: "show an archive's table settings, segments, files and sizes",
  arguments: [{ name: "S3URL", description: "the archive: s3://BUCKET/PREFIX" }],
  options: [...reading, { flags: "--segments", description: "list every segment" }],
  examples: [{ command: "ferry inspect s3://archives/orders/2026-11-23", about: "what is in it" }],
  uses: "aws",
  json: "One InspectedArchive.",
  load: () => import("../run/inspect.ts"),
};
