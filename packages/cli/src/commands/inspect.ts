import type { CommandSpec } from "../command.ts";
import { reading } from "./archive-options.ts";

export const inspectCommand: CommandSpec = {
  name: "inspect",
  summary: "show an archive's table settings, segments, files and sizes",
  arguments: { S3URL: "the archive: s3://BUCKET/PREFIX" },
  options: { ...reading, "--segments": "list every segment" },
  examples: { "ferry inspect s3://archives/orders/2026-11-23": "what is in it" },
  uses: "aws",
  json: "One InspectedArchive.",
  load: () => import("../run/inspect.ts"),
};
