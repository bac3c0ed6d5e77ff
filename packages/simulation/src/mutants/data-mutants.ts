/**
 * Mutants of what touches items, files and tables: what is read, what is stored, what is written, and at what cost.
 */
import { aws, core, type Mutant } from "./edit.ts";

export const dataMutants: readonly Mutant[] = [
  {
    name: "consistent-read-forgotten",
    seed: 1,
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
    edits: [aws("rate-limiter.ts", "return Number(extended[RESERVED_UNTIL]) - durationMs;", "return nowMs;")],
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
  {
    name: "lost-try-costs-nothing",
    breaks: "A try whose answer is lost is not charged to the ceiling.",
    edits: [
      core(
        "paced-read.ts",
        "        pace.delay(backoffMs(failures, random));",
        "        pace.delay(backoffMs(failures, random));\n        units = 0;",
      ),
      core(
        "restore/table-writer.ts",
        "        pace.delay(backoffMs(tries.failures, ports.random));",
        "        pace.delay(backoffMs(tries.failures, ports.random));\n        units = 0;",
      ),
    ],
  },
  {
    name: "put-without-condition",
    breaks: "An item that must only be put where none has its key is put over it.",
    edits: [
      aws(
        "insert-body.ts",
        '    ConditionExpression: "attribute_not_exists(#k)",\n    ExpressionAttributeNames: { "#k": keys[0] },\n',
        "",
      ),
    ],
  },
  {
    name: "insert-overwrites",
    breaks: "A restore that must never overwrite puts its items over those that are there.",
    edits: [
      core(
        "restore/table-writer.ts",
        "const mayOverwrite = !neverOverwrites(plan, options.attempt);",
        "const mayOverwrite = !neverOverwrites(plan, options.attempt) || true;",
      ),
    ],
  },
  {
    name: "skipped-counted-as-written",
    breaks: "An item whose key another item has is counted as written.",
    edits: [core("restore/table-writer.ts", '(outcome) => outcome === "exists"', "() => false")],
  },
  {
    name: "own-items-counted-as-skipped",
    breaks: "An item that Ferry itself put before is counted as skipped.",
    edits: [
      core(
        "restore/table-writer.ts",
        '(outcome) => outcome === "exists"',
        '(outcome) => outcome === "exists" || outcome === "same"',
      ),
    ],
  },
  {
    name: "taken-key-is-stored",
    breaks: "A put that finds its key taken is told as stored.",
    edits: [
      aws(
        "archive-store.ts",
        'if (statusOf(error) === 412) return "exists";',
        'if (statusOf(error) === 412) return "stored";',
      ),
    ],
  },
  {
    name: "backslash-ends-string",
    breaks: "A backslash in a string hides nothing.",
    edits: [core("archive/cutter.ts", "if (byte === BACKSLASH) i++;", "if (byte === BACKSLASH) i += 0;")],
  },
  {
    name: "escaped-names-kept",
    breaks: "Names with escapes are compared as they are written.",
    edits: [
      core(
        "archive/cutter.ts",
        "const name = JSON.parse(decoder.decode(bytes.subarray(i, nameEnd))) as string;",
        "const name = decoder.decode(bytes.subarray(i + 1, nameEnd - 1));",
      ),
    ],
  },
  {
    name: "cursor-is-first-key",
    breaks: "Who adopts a file goes on behind its first item.",
    edits: [core("archive/chain.ts", "lineSpans(bytes).at(-1)!", "lineSpans(bytes).at(0)!")],
  },
  {
    name: "end-before-last-file",
    breaks: "The first file that is full on the scan's last page is marked as the segment's last.",
    edits: [core("backup/writer.ts", "const end = last && next === items.length;", "const end = last;")],
  },
  {
    name: "page-tried-again-elsewhere",
    breaks: "A page that was throttled is read from the segment's start.",
    edits: [
      core(
        "backup/scanner.ts",
        "...(from !== undefined && { after: from }),",
        "...(from !== undefined && tries++ === 0 && { after: from }),",
      ),
      core("backup/scanner.ts", "    return readPaced(\n", "    let tries = 0;\n    return readPaced(\n"),
    ],
  },
  {
    name: "file-done-before-landing",
    breaks: "A restore's file counts as done while its last writes are in flight.",
    edits: [
      core(
        "restore/slice.ts",
        "    await writer.settle();\n    if (writer.stopped()) return;\n",
        "    if (writer.stopped()) return;\n",
      ),
    ],
  },
  {
    name: "slice-starts-file-anew",
    breaks: "A restore's slice starts its file anew, and counts its lines again.",
    edits: [core("restore/slice.ts", "    const from = at.line;\n", "    const from = 0;\n")],
  },
  {
    name: "lines-counted-not-compared",
    breaks: "The number of a file's lines is not compared with the manifest's.",
    edits: [core("archive/stored-file.ts", "if (lines !== file.items)", "if (false)")],
  },
  {
    name: "md5-not-compared",
    breaks: "The MD5 of a data file is not compared.",
    edits: [core("archive/stored-file.ts", "if (found !== file.md5)", "if (false)")],
  },
  {
    name: "attempts-not-kept",
    breaks: "A row's item loses the attempts that its segments are in.",
    edits: [aws("status-item.ts", '    attempts: it["attempts"],', "    attempts: {},")],
  },
  {
    name: "partial-counted-as-done",
    breaks: "What segments have done so far is counted as if they were complete.",
    edits: [
      aws(
        "status-item.ts",
        'items: it["transferred-items"] - parts.items,',
        'items: it["transferred-items"],',
      ),
    ],
  },
];
