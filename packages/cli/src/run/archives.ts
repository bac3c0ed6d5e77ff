import { openAccess } from "@ferry/client/access";
import { type ListedArchive, listArchives } from "@ferry/client/archive/list-archives";
import { parseS3Url } from "@ferry/client/s3-url";
import type { RunCommand } from "../command.ts";
import { age, countText, minute, size } from "../format.ts";
import type { Output } from "../output.ts";
import { columns } from "../table.ts";
import { tableOfArn } from "./task-text.ts";

export const run: RunCommand = async ({ arguments: [url = ""] }, { access, output }) => {
  const found: ListedArchive[] = [];
  for await (const archive of listArchives(openAccess(access), parseS3Url(url))) {
    output.value(archive);
    found.push(archive);
  }
  const nowMs = Date.now();
  const rows = found.map((archive) => rowOf(archive, nowMs, output));
  if (rows.length === 0) output.note(`There are no archives under ${url}.`);
  else
    output.line(
      columns(
        ["archive", "state", "table", "started (UTC)", "age", "items", "size"],
        rows,
        ["items", "size"],
        {
          width: output.width,
          below: ["archive"],
        },
      ),
    );
  for (const { url: broken, problem } of found)
    if (problem !== undefined) output.note(`${broken}: ${problem}`);
};

function rowOf(archive: ListedArchive, nowMs: number, output: Output): string[] {
  const { state, writer, incremental, window, tableArn, startedTime, items, bytes } = archive;
  const style = state === "sealed" ? "green" : state === "open" ? "yellow" : "red";
  const time = window === undefined ? "" : ` ${incremental ? "to" : "as of"} ${minute(window.to)}`;
  const kind = writer === "dynamodb" ? `, ${incremental ? "incremental " : ""}export${time}` : "";
  return [
    archive.url,
    `${output.styled(style, state)}${kind}`,
    tableArn === undefined ? "" : tableOfArn(tableArn),
    startedTime === undefined ? "" : minute(startedTime),
    startedTime === undefined ? "" : age(nowMs - Date.parse(startedTime)),
    items === undefined ? "" : countText(items),
    bytes === undefined ? "" : size(bytes),
  ];
}
