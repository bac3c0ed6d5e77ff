/**
 * Sends a request and waits for what was asked for: its acceptance or its end.
 */

import { ClientError } from "@ferry/client/client-error";
import type { Ferry } from "@ferry/client/ferry";
import { s3Url } from "@ferry/client/s3-url";
import { previewRequest } from "@ferry/client/task/preview";
import type { PreparedRequest } from "@ferry/client/task/request";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodeOfTask, exitCodes } from "../exit-codes.ts";
import { countText, durationRange, money, plural, size } from "../format.ts";
import type { Input } from "../input.ts";
import { commandText } from "../pasteable.ts";
import { details } from "../table.ts";
import { follow } from "./follow.ts";
import { endLines } from "./task-text.ts";

/** `--wait`, `--detach`, or what is usual here. */
export function waits({ options }: Input): boolean {
  if (options["wait"] === true && options["detach"] === true)
    throw new ClientError("usage", "usage", {
      message: "--wait and --detach exclude each other.",
      hint: "--wait shows the progress until the end; --detach prints the task's id.",
    });
  return options["wait"] === true || (options["detach"] !== true && process.stdout.isTTY === true);
}

/** Sends the request. Exit code: of its end with --wait; otherwise whether Ferry accepted it. */
export async function sendRequest(
  ferry: Ferry,
  prepared: PreparedRequest,
  wait: boolean,
  context: Context,
): Promise<ExitCode> {
  const { output } = context;
  const handle = await ferry.send(prepared);
  output.note(`Sent to stage ${ferry.stage.name}, request ${handle.requestId}.`);
  if (wait) return follow(handle, context, prepared.request);
  const task = await handle.answered();
  output.value(task);
  if (task.state === "rejected") {
    for (const line of endLines(task, output)) output.note(line);
    return exitCodeOfTask(task);
  }
  output.line(task.id);
  return exitCodes.done;
}

/** Prints the event and what it would do. */
export async function dryRun(
  { stage }: Ferry,
  prepared: PreparedRequest,
  { output }: Context,
): Promise<ExitCode> {
  const { request, detail } = prepared;
  const preview = await previewRequest(stage.access, prepared);
  const event = { EventBusName: stage.bus, DetailType: "TaskRequested", Detail: JSON.stringify(detail) };
  output.value({ event, ...preview });
  const { table, archive, destinationEmpty } = preview;
  const place = s3Url({ bucket: request["bucket-name"], prefix: request["bucket-prefix"] });
  const text = details([
    ["event", `TaskRequested on ${stage.bus} in ${stage.region}`],
    ["detail", JSON.stringify(detail)],
    [
      "table",
      `${request["table-name"]} in ${request["table-region"]}: ${table.status}, about ${countText(table.items)} items, ${size(table.bytes)}`,
    ],
    [
      "archive",
      archive === undefined
        ? place
        : `${place}: ${countText(archive.items)} items in ${plural(archive.files, "data file")}`,
    ],
    ["only", onlyText(prepared, archive?.files ?? 0)],
    ...(archive?.increments ?? []).map(
      (prefix) => ["increment", s3Url({ bucket: request["bucket-name"], prefix })] as const,
    ),
    ["as of", archive?.moment],
    ["estimate", `${money(preview.usd)}, ${durationRange(preview.seconds)}${otherWays(request)}`],
    ["destination", destinationEmpty ? "empty" : notEmpty(prepared)],
  ]);
  output.line(text);
  output.note("Nothing was sent (--dry-run).");
  return destinationEmpty || isAllowed(prepared) ? exitCodes.done : exitCodes.refused;
}

/** How to compare the estimate; nothing for a table that does not exist yet. */
function otherWays(request: PreparedRequest["request"]): string {
  if (request.action === "restore" && request["create-table"] === true) return "";
  const table = [request["table-name"], "--table-region", request["table-region"]];
  const command = commandText("estimate", ...table, ...(request.action === "restore" ? ["--restore"] : []));
  return `; ${command} compares it with other ways`;
}

/** What a restore with --only reads and writes. */
function onlyText({ request }: PreparedRequest, files: number): string | undefined {
  const only = request.action === "restore" ? request.only : undefined;
  return (
    only &&
    `the items of ${plural(only.length, "key")}; it reads all ${plural(files, "data file")}. The estimate is for all items`
  );
}

function isAllowed({ request }: PreparedRequest): boolean {
  return request.action === "restore" && (request["restore-mode"] ?? "empty-only") !== "empty-only";
}

function notEmpty(prepared: PreparedRequest): string {
  if (prepared.request.action === "backup")
    return "holds objects: Ferry would reject the request. Choose another prefix";
  return isAllowed(prepared)
    ? `holds items; restore-mode is ${prepared.request["restore-mode"]}`
    : "holds items: Ferry would reject the request. --restore-mode merge overwrites, if-absent never overwrites";
}
