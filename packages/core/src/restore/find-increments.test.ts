import { incrementalExport, storeExport } from "@ferry/memory/native-export";
import { bucket, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { msOf } from "../time.ts";
import { findIncrements } from "./find-increments.ts";

const T = (hour: number) => `2026-11-01T${String(hour).padStart(2, "0")}:00:00.000Z`;
const arn = "arn:aws:dynamodb:us-east-1:000000000000:table/exported";
const id = "b116b490-6460-4d4a-9a6b-5d360abf4fb3";

/** A search among exports of these hours, from the state at hour 0. */
async function find(
  exports: readonly (readonly [from: number | string, to: number, summary?: object])[],
  { until = 24, start = T(0), prefix = "some/AWSDynamoDB/full", dataKeys = 0 } = {},
) {
  const ports = world();
  for (let n = 0; n < dataKeys; n++)
    ports.archive.store(bucket, `some/AWSDynamoDB/data/${String(n).padStart(6, "0")}`, new Uint8Array());
  for (const [from, to, summary = {}] of exports) {
    const native = incrementalExport({
      bucket: bucket.name,
      under: "some",
      id: `${from}-${to}`,
      from: typeof from === "string" ? from : T(from),
      to: T(to),
      files: [],
      summary: summary as Readonly<Record<string, unknown>>,
    });
    storeExport(ports.archive, bucket, native);
  }
  const manifest = { own: false, lines: "items", table: { arn, id }, window: { to: start } } as const;
  const untilMs = msOf("2026-11-01T00:00:00Z") + until * 3_600_000;
  const found = await findIncrements(bucket, { prefix, manifest, untilMs }, ports);
  return found.map((one) => one.slice("some/AWSDynamoDB/".length));
}

describe("the increments that follow a full export", () => {
  test("are joined by their time ranges, whatever their names", async () => {
    expect(
      await find([
        [2, 3],
        [10, 11],
        [1, 2],
        [0, 1],
        [3, 10],
      ]),
    ).toEqual(["0-1", "1-2", "2-3", "3-10", "10-11"]);
  });

  test("are the fewest that lead to the latest time, of which none ends after until", async () => {
    const exports = [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
      [0, 3],
    ] as const;
    expect(await find(exports)).toEqual(["0-3", "3-4"]);
    expect(await find(exports, { until: 2.5 })).toEqual(["0-1", "1-2"]);
    expect(await find(exports, { until: 3 })).toEqual(["0-3"]);
  });

  test("are not those of another table, of a table that was created again, or in another format", async () => {
    const exports = [
      [0, 1],
      [1, 2, { tableArn: `${arn}-2` }],
      [1, 3, { tableId: "another" }],
      [1, 4, { outputFormat: "ION" }],
    ] as const;
    expect(await find(exports)).toEqual(["0-1"]);
  });

  test("may begin within the second of a full export of the present", async () => {
    expect(
      await find(
        [
          [0, 1],
          [1, 2],
        ],
        { start: "2026-11-01T00:00:00.999Z" },
      ),
    ).toEqual(["0-1", "1-2"]);
    await expect(find([[0, 1]], { start: "2026-11-01T00:00:01.000Z" })).rejects.toMatchObject({
      code: "series-not-joined",
    });
  });

  test("are found beside a folder with thousands of data files", async () => {
    expect(
      await find(
        [
          [0, 1],
          [1, 2],
        ],
        { dataKeys: 2500 },
      ),
    ).toEqual(["0-1", "1-2"]);
  });
});

describe("a search is refused", () => {
  test.each<[string, Parameters<typeof find>, string]>([
    [
      "if there is none",
      [[]],
      "no incremental export of its table that begins then ends by 2026-11-02T00:00:00.000Z.",
    ],
    [
      "if the first one begins later",
      [[[1, 2]]],
      "leads to 2026-11-01T00:00:00.000Z, and no incremental export of its table begins then: some/AWSDynamoDB/1-2 is of",
    ],
    [
      "if one is missing between",
      [
        [
          [0, 1],
          [2, 3],
        ],
      ],
      "leads to 2026-11-01T01:00:00.000Z, and no incremental export of its table begins then: some/AWSDynamoDB/2-3 is of",
    ],
    [
      "if the missing one is in Ion, and names it",
      [
        [
          [0, 1],
          [1, 2, { outputFormat: "ION" }],
          [2, 3],
        ],
      ],
      "(1 of 3 exports in the folder cannot be used, for instance: s3://archives/some/AWSDynamoDB/1-2/manifest-summary.json is of an export in Amazon Ion (outputFormat ION), which Ferry does not support).",
    ],
    [
      "if until is before the full export",
      [[[0, 1]], { start: T(5), until: 4 }],
      "is of 2026-11-01T05:00:00.000Z, which is later than until",
    ],
    [
      "outside a folder AWSDynamoDB/",
      [[[0, 1]], { prefix: "moved/full" }],
      "is not in a folder AWSDynamoDB/",
    ],
  ])("%s", async (_, args, message) => {
    await expect(find(...args)).rejects.toMatchObject({ message: expect.stringContaining(message) });
  });
});
