import { openAccess } from "@ferry/client/access";
import { explaining } from "@ferry/client/client-error";
import {
  type Estimate,
  type EstimateOptions,
  estimateBackup,
  estimateRestore,
} from "@ferry/client/price/estimate";
import { howPricesAreKnown, PRICES_REGION } from "@ferry/client/price/prices";
import { definedFields } from "@ferry/core/defined-fields";
import type { RunCommand } from "../command.ts";
import { countText, durationRange, money, plural, size } from "../format.ts";
import { textOption } from "../input.ts";
import { wholeNumberOption } from "../option-values.ts";
import { columns } from "../table.ts";
import { regionOfTable } from "./read-archive.ts";

export const run: RunCommand = async (
  { arguments: [name = ""], options },
  { access: accessOptions, output },
) => {
  const access = openAccess(accessOptions);
  const restore = options["restore"] === true;
  const units = restore ? options["writeUnits"] : options["readUnits"];
  const region = await regionOfTable(name, options["tableRegion"], access.region);
  const given: EstimateOptions = definedFields({
    consistentRead: options["consistentRead"] === true,
    otherRegion: (textOption(options["bucketRegion"]) ?? region) !== region,
    totalSegments: wholeNumberOption("--total-segments", options["totalSegments"], 8),
    unitsPerSecond: wholeNumberOption(restore ? "--write-units" : "--read-units", units, 1000),
  });
  const table = await explaining({ operation: "DescribeTable", resource: `table ${name} in ${region}` }, () =>
    access.describe({ region, name }),
  );
  const estimate = (restore ? estimateRestore : estimateBackup)(table, given);
  output.value(estimate);
  for (const line of linesOf(name, estimate, output.width)) output.line(line);
};

function linesOf(
  name: string,
  { action, items, bytes, units, segments, ways, parts, cheapest, fastest }: Estimate,
  width: number | undefined,
): string[] {
  const kind = action === "backup" ? "read" : "write";
  const rows = ways.map((way) => [
    way.name,
    money(way.usd),
    money(way.usdPerMonth),
    durationRange(way.seconds),
    way.remark,
  ]);
  const costs = Object.entries(parts).map(([part, usd]) => `${part} ${money(usd)}`);
  return [
    `${name}: about ${countText(items)} items, ${size(bytes)}. Ferry: ${plural(segments, "segment")}, ${countText(units)} ${kind} units.`,
    "",
    columns(["way", "price", "a month", "duration", "remark"], rows, ["price", "a month"], {
      width,
      below: ["remark"],
    }),
    "",
    `Ferry's price: ${costs.join(", ")}.`,
    `Cheapest: ${cheapest}. Fastest with a known duration: ${fastest}.`,
    `List prices of ${PRICES_REGION}. ${howPricesAreKnown()}`,
  ];
}
