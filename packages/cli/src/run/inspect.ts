import { openAccess } from "@ferry/client/access";
import { type InspectedArchive, inspectArchive } from "@ferry/client/archive/inspect-archive";
import { parseS3Url } from "@ferry/client/s3-url";
import type { RunCommand } from "../command.ts";
import { countText, minute, plural, seconds, size } from "../format.ts";
import { columns, details } from "../table.ts";
import { archiveOptions } from "./read-archive.ts";
import { tableOfArn } from "./task-text.ts";

export const run: RunCommand = async (input, { access, output }) => {
  const place = parseS3Url(input.arguments[0] ?? "");
  const archive = await inspectArchive(openAccess(access), place, archiveOptions(input));
  output.value(archive);
  const kind = archive.incremental ? "incremental export of DynamoDB" : "export of DynamoDB";
  const text = details([
    ["archive", archive.url],
    ["written by", archive.writer === "ferry" ? "Ferry" : kind],
    ["table", archive.tableArn === undefined ? "unknown" : tableOfArn(archive.tableArn)],
    ["time (UTC)", timeText(archive)],
    ["items", countText(archive.items)],
    ["size", sizeText(archive)],
    ["files", filesText(archive)],
    ...settingRows(archive),
  ]);
  output.line(text);
  if (input.options["segments"] === true && archive.segments.length > 0) {
    output.line();
    output.line(
      columns(
        ["segment", "files", "items"],
        archive.segments.map(({ segment, files, items }) => [
          String(segment),
          countText(files),
          countText(items),
        ]),
        ["segment", "files", "items"],
      ),
    );
  }
};

function timeText({ window, startedTime, endedTime }: InspectedArchive): string {
  if (window?.from !== undefined) return `changes from ${minute(window.from)} to ${minute(window.to)}`;
  if (window !== undefined) return `the table as of ${minute(window.to)}`;
  if (startedTime === undefined) return "unknown";
  if (endedTime === undefined) return minute(startedTime);
  const took = (Date.parse(endedTime) - Date.parse(startedTime)) / 1000;
  return `a scan from ${minute(startedTime)} to ${minute(endedTime)}, ${seconds(took)}`;
}

function sizeText({ bytes, storedBytes }: InspectedArchive): string {
  if (bytes === undefined) return `${size(storedBytes)} stored`;
  const ratio = storedBytes === 0 ? "" : `, ratio ${(bytes / storedBytes).toFixed(1)}`;
  return `${size(bytes)} of lines, ${size(storedBytes)} stored${ratio}`;
}

function filesText({ files, segments }: InspectedArchive): string {
  if (segments.length <= 1) return plural(files, "data file");
  const counts = segments.map(({ items }) => items);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const range = least === most ? plural(most, "item") : `${countText(least)} to ${countText(most)} items`;
  return `${plural(files, "data file")} in ${plural(segments.length, "segment")}, ${range} each`;
}

/** The table's settings when it was backed up, from table.json. */
function settingRows({ keys, settings }: InspectedArchive): [string, string][] {
  if (keys === undefined || settings === undefined) return [];
  const { Table = {}, TimeToLiveDescription: ttl, Tags = [] } = settings;
  const { ProvisionedThroughput: throughput } = Table;
  const isProvisioned =
    Table.BillingModeSummary?.BillingMode !== "PAY_PER_REQUEST" && (throughput?.ReadCapacityUnits ?? 0) > 0;
  const indexes = [...(Table.GlobalSecondaryIndexes ?? []), ...(Table.LocalSecondaryIndexes ?? [])];
  return [
    ["keys", keys.map(({ name, type }) => `${name} (${type})`).join(", ")],
    [
      "capacity",
      isProvisioned
        ? `provisioned: ${throughput?.ReadCapacityUnits} read, ${throughput?.WriteCapacityUnits} write units`
        : "on demand",
    ],
    ["indexes", indexes.length === 0 ? "none" : indexes.map(({ IndexName }) => IndexName).join(", ")],
    ["TTL", ttl?.TimeToLiveStatus === "ENABLED" ? `on ${ttl.AttributeName}` : "off"],
    [
      "stream",
      Table.StreamSpecification?.StreamEnabled === true
        ? (Table.StreamSpecification.StreamViewType ?? "on")
        : "off",
    ],
    ["tags", Tags.length === 0 ? "none" : Tags.map(({ Key, Value }) => `${Key}=${Value}`).join(", ")],
  ];
}
