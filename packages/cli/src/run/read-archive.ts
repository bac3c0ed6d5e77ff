/**
 * Opens the archive of a command, and finds the region of its table.
 */
import type { AwsAccess } from "@ferry/client/access";
import { type ArchiveOptions, type OpenArchive, openArchive } from "@ferry/client/archive/open-archive";
import { parseS3Url } from "@ferry/client/s3-url";
import { definedFields } from "@ferry/core/defined-fields";
import { type Input, textOption } from "../input.ts";

export function archiveOptions({ options }: Input): ArchiveOptions {
  return definedFields({
    manifestKeys: textOption(options["manifestKeys"]) as ArchiveOptions["manifestKeys"],
    bucketOwner: textOption(options["bucketOwner"]),
  });
}

export function openGivenArchive(access: AwsAccess, input: Input): Promise<OpenArchive> {
  return openArchive(access, parseS3Url(input.arguments[0] ?? ""), archiveOptions(input));
}

/** The region that is given, or that of an ARN, or the usual one. */
export async function regionOfTable(
  table: string,
  given: unknown,
  usual: () => Promise<string>,
): Promise<string> {
  if (typeof given === "string") return given;
  return /^arn:[^:]*:dynamodb:([^:]+):/.exec(table)?.[1] ?? usual();
}
