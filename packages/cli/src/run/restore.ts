import { readGivenKeys } from "@ferry/client/archive/given-keys";
import { ClientError, explaining } from "@ferry/client/client-error";
import { openFerry } from "@ferry/client/ferry";
import { assertPrefix, parseS3Url } from "@ferry/client/s3-url";
import { destinationHoldsItems } from "@ferry/client/task/preview";
import { prepareRequest } from "@ferry/client/task/request";
import { keySchema } from "@ferry/core/archive/table-settings";
import type { RestoreRequest } from "@ferry/core/request/request";
import type { RunCommand } from "../command.ts";
import { requestFields, restoreFields } from "../commands/request-options.ts";
import { confirm } from "../confirm.ts";
import { exitCodes } from "../exit-codes.ts";
import { textOption } from "../input.ts";
import { openGivenArchive, regionOfTable } from "./read-archive.ts";
import { dryRun, sendRequest, waits } from "./send-request.ts";

export const run: RunCommand = async (input, context) => {
  const [url = "", table = ""] = input.arguments;
  const { bucket, prefix } = parseS3Url(url);
  assertPrefix({ bucket, prefix });
  const wait = waits(input);
  const ferry = await openFerry(context.stage);
  const { requestId, only, increments } = input.options;
  const { access } = ferry.stage;
  const prepared = await prepareRequest(
    access,
    {
      action: "restore",
      "table-name": table,
      "bucket-name": bucket,
      "bucket-prefix": prefix,
      ...requestFields(input.options, restoreFields),
      ...(Array.isArray(increments) && { increments: increments.map((one) => prefixIn(bucket, one)) }),
      ...(Array.isArray(only) && { only: await readGivenKeys(only, keysOf) }),
    },
    textOption(requestId),
  );
  /** The keys of the archive or, if it does not have them, of the table. */
  async function keysOf() {
    const { manifest } = await openGivenArchive(access, input);
    if (manifest.keys !== undefined) return manifest.keys;
    const region = await regionOfTable(table, input.options["tableRegion"], access.region);
    const call = { operation: "DescribeTable", resource: `table ${table} in ${region}` };
    return keySchema(await explaining(call, () => access.describe({ name: table, region })));
  }

  if (input.options["dryRun"] === true) return dryRun(ferry, prepared, context);
  const request = prepared.request as RestoreRequest;
  const mode = request["restore-mode"] ?? "empty-only";
  // Ferry itself refuses a table that holds items, unless the mode says what to do with them. A new table is empty.
  if (request["create-table"] !== true && mode !== "empty-only" && input.options["yes"] !== true) {
    const holdsItems = await destinationHoldsItems(ferry.stage.access, request);
    const hint = "Nothing was sent. Give --yes to restore without a question.";
    if (holdsItems !== false && !(await confirm(question(table, mode, holdsItems), context, hint))) {
      context.output.note("Nothing was sent.");
      return exitCodes.refused;
    }
  }
  return sendRequest(ferry, prepared, wait, context);
};

/** The prefix of an export that is named by its prefix or its URL, as `ferry archives` prints it. */
function prefixIn(bucket: string, named: string): string {
  if (!named.startsWith("s3://")) return named;
  const place = parseS3Url(named);
  if (place.bucket === bucket) return place.prefix;
  throw new ClientError("usage", "usage", {
    message: `--increments ${named} is in another bucket than the full export, ${bucket}.`,
    hint: `Copy the exports into one bucket, for instance with aws s3 cp --recursive.`,
  });
}

function question(table: string, mode: string, holdsItems: boolean | undefined): string {
  const holds = holdsItems === undefined ? "may hold items (you may not read it)" : "holds items";
  const effect =
    mode === "merge" ? "overwrites items with the same keys" : "adds the items whose keys are absent";
  return `${table} ${holds}. The restore ${effect}.`;
}
