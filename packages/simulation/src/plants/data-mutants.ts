/**
 * Mutants of what touches items, files and tables: what is read, what is stored, what is written, and at what cost.
 */
import { aws, core, type Plant } from "./edit.ts";

export const dataMutants: readonly Plant[] = [
  {
    name: "consistent-read-forgotten",
    breaks: "A backup that asks for consistent reads gets eventually consistent ones.",
    edits: [
      core(
        "backup/scanner.ts",
        "            consistent,\n",
        "            consistent: consistent && false,\n",
      ),
    ],
  },
  {
    name: "file-size-not-bounded",
    breaks: "A data file is decompressed whatever its size.",
    edits: [core("archive/stored-file.ts", "if (bytes > settings.maximumFileBytes)", "if (false)")],
  },
  {
    name: "moved-archive-followed",
    breaks: "A manifest that points outside its archive is followed.",
    edits: [
      core(
        "archive/location.ts",
        'if (keys === "as-listed") return listed;',
        'if (keys !== "rebase") return listed;',
      ),
    ],
  },
  {
    name: "file-listed-twice-read-twice",
    breaks: "A file that a manifest lists twice is not noticed.",
    edits: [core("archive/file-list.ts", "if (listed.has(key))", "if (false)")],
  },
  {
    name: "damaged-answer-taken",
    breaks: "The checksum of DynamoDB's answers is not compared.",
    edits: [aws("raw-protocol.ts", '    check(body, response.headers["x-amz-crc32"]);\n', "")],
  },
  {
    name: "one-unprocessed-of-many",
    breaks: "Of the writes that were not taken only the first is sent again.",
    edits: [
      aws(
        "write-body.ts",
        "for (const request of elements(body, table.start)) unprocessed.push",
        "for (const request of elements(body, table.start).slice(0, 1)) unprocessed.push",
      ),
    ],
  },
  {
    name: "unprocessed-deletes-forgotten",
    breaks: "Deletes that were not taken are not sent again.",
    edits: [
      aws(
        "write-body.ts",
        "return { remove: body.subarray(from, end) };",
        "return { put: body.subarray(from, end) };",
      ),
    ],
  },
  {
    name: "rows-read-eventually",
    breaks: "A task's row is read eventually consistent.",
    edits: [aws("status-store.ts", "ConsistentRead: true", "ConsistentRead: false")],
  },
  {
    name: "row-written-over",
    breaks: "A row is written over whatever another projector wrote meanwhile.",
    edits: [
      aws("status-store.ts", 'ConditionExpression: "#rev = :read"', 'ConditionExpression: "#rev >= :read"'),
    ],
  },
  {
    name: "record-lowered",
    breaks: "A segment's record is written over by an earlier fact.",
    edits: [
      aws(
        "status-store.ts",
        '"attribute_not_exists(#rank) OR #rank < :rank"',
        '"attribute_not_exists(#rank) OR #rank <> :rank"',
      ),
    ],
  },
  {
    name: "line-booked-too-short",
    breaks: "A first turn of a ceiling is booked without its length.",
    edits: [aws("rate-limiter.ts", '":until": nowMs + durationMs', '":until": nowMs')],
  },
  {
    name: "turn-begins-early",
    breaks: "A turn behind others begins when they began.",
    edits: [aws("rate-limiter.ts", "return Number(behind[BOOKED]) - durationMs;", "return nowMs;")],
  },
  {
    name: "list-ends-at-a-page",
    breaks: "A listing ends with its first page.",
    edits: [
      aws(
        "archive-store.ts",
        "token = page.IsTruncated === true ? page.NextContinuationToken : undefined;",
        "token = undefined;",
      ),
    ],
  },
  {
    name: "events-of-one-call",
    breaks: "Events beyond the first ten of a step are not put.",
    edits: [
      aws(
        "bus.ts",
        "for (const chunk of chunks(pending)) refused",
        "for (const chunk of chunks(pending).slice(0, 1)) refused",
      ),
    ],
  },
];
