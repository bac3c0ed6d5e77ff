import { openFerry } from "@ferry/client/ferry";
import { parseS3Url } from "@ferry/client/s3-url";
import { prepareRequest } from "@ferry/client/task/request";
import type { RunCommand } from "../command.ts";
import { backupFields, requestFields } from "../commands/request-options.ts";
import { textOption } from "../input.ts";
import { dryRun, sendRequest, waits } from "./send-request.ts";

const DEFAULT_PREFIX = "{table}/{date}T{time}";

export const run: RunCommand = async (input, context) => {
  const [table = "", url = ""] = input.arguments;
  const { bucket, prefix } = parseS3Url(url);
  const wait = waits(input);
  const ferry = await openFerry(context.stage);
  const prepared = await prepareRequest(
    ferry.stage.access,
    {
      action: "backup",
      "table-name": table,
      "bucket-name": bucket,
      "bucket-prefix": prefix === "" ? DEFAULT_PREFIX : prefix,
      ...requestFields(input.options, backupFields),
    },
    textOption(input.options["requestId"]),
  );
  if (input.options["dryRun"] === true) return dryRun(ferry, prepared, context);
  return sendRequest(ferry, prepared, wait, context);
};
