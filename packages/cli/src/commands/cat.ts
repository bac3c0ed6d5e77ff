import type { CommandSpec } from "../command.ts";
import { onlyOption, reading } from "./archive-options.ts";

export const catCommand: CommandSpec = {
  name: "cat",
  summary: "print an archive's items as lines of DynamoDB JSON",
  description:
    "The items are streamed, with their bytes unchanged. An incremental export's lines are printed whole. A file's checksum is compared at its end.",
  arguments: { S3URL: "the archive: s3://BUCKET/PREFIX" },
  options: {
    "--limit <N>": "at most this many items",
    "--key <JSON>": {
      description: `only the item with exactly this key; may be repeated: {"id":"a","n":1} or {"id":{"S":"a"},"n":{"N":"1"}}`,
      repeatable: true,
    },
    ...onlyOption("the items with this key; may be repeated"),
    "--select <PATH>": "only the value at a path such as address.lines[0]; items without it are left out",
    ...reading,
  },
  examples: {
    "ferry cat s3://archives/orders/2026-11-23 --limit 10": "the first ten",
    'ferry cat s3://archives/orders/2026-11-23 --key \'{"id":"o-17"}\'': "one item",
    "ferry cat s3://archives/orders/2026-11-23 --select address.city": "one value of each item",
  },
  uses: "aws",
  load: () => import("../run/cat.ts"),
};
