/**
 * Mutants in the code that reads, stores, writes and charges for items, data files and tables.
 */
import { aws, core, type Mutants } from "./edit.ts";

export const dataMutants: Mutants = {
  "consistent-read-ignored": {
    seed: 483,
    breaks: "A backup with consistent reads makes eventually consistent ones.",
    edits: [
      core("backup/scanner.ts", "          consistent,\n", "            consistent: consistent && false,\n"),
    ],
  },
  "file-size-unlimited": {
    seed: 821,
    breaks: "A data file of any size is decompressed.",
    edits: [core("archive/stored-file.ts", "if (bytes > settings.maximumFileBytes)", "if (false)")],
  },
  "content-by-guess": {
    seed: 383,
    breaks: "A zstd file is not recognised by its content.",
    edits: [
      core("archive/content.ts", "first === 0x28 && second === 0xb5", "first === 0xb5 && second === 0x28"),
    ],
  },
  "checksum-object-missing": {
    seed: 216,
    breaks: "The MD5 of the list of files is not put beside it.",
    edits: [core("backup/finish.ts", "  await putChecksum(filesKey, filesMd5);\n", "")],
  },
  "compression-not-in-summary": {
    seed: 383,
    breaks: "The summary of a zstd archive says that it is gzip.",
    edits: [core("archive/summary.ts", "compression: compressionOf(plan)", 'compression: "gzip"')],
  },
  "moved-archive-followed": {
    seed: 259,
    breaks: "A manifest that points outside its archive is followed.",
    edits: [core("archive/location.ts", 'if (keys === "as-listed") return', 'if (keys !== "rebase") return')],
  },
  "duplicate-file-read-twice": {
    seed: 418,
    breaks: "A file that a manifest lists twice is read twice.",
    edits: [core("archive/file-list-reader.ts", "if (suspects.size > 0)", "if (false)")],
  },
  "handoff-past-the-end": {
    seed: 262,
    breaks: "A slice that has no time left to put its index hands off behind the end of its chain.",
    edits: [core("backup/slice.ts", "if (position.ended) return;", "if (false) return;")],
  },
  "index-without-last-file": {
    seed: 216,
    breaks: "An index lacks the last file of its chain, and is not compared with the stored files.",
    edits: [
      core(
        "archive/chain-index.ts",
        "  const body = encodeFiles(",
        "  if (files.length > 1) files.length -= 1;\n  const body = encodeFiles(",
      ),
      core("backup/indexes.ts", "if (differing === undefined) return;", "if (differing !== -1) return;"),
    ],
  },
  "seal-counts-only-the-rest": {
    seed: 135,
    breaks: "A last step that continues counts only the items of the segments that it compares itself.",
    edits: [core("backup/indexes.ts", "total(index.files);", "at < checked ? 0 : total(index.files);")],
  },
  "finished-in-the-next-attempt": {
    seed: 16,
    breaks: "The end of a backup's last step names the attempt after its own.",
    edits: [
      core("backup/finish.ts", "attempt: finishing.attempt, items", "attempt: finishing.attempt + 1, items"),
    ],
  },
  "empty-part-takes-next-file": {
    seed: 336,
    breaks:
      "A segment in whose part of the list no line begins restores the next file, as another segment does.",
    edits: [core("archive/file-list-reader.ts", "if (at >= untilByte) return;", "if (false) return;")],
  },
  "checksum-not-compared": {
    seed: 1741,
    breaks: "The checksum of DynamoDB's answers is not compared.",
    edits: [aws("http/raw-protocol.ts", '    check(body, response.headers["x-amz-crc32"]);\n', "")],
  },
  "one-unprocessed-of-many": {
    seed: 4800,
    breaks: "Only the first of several unprocessed writes is sent again.",
    edits: [
      aws(
        "dynamodb/write-body.ts",
        "for (const request of elements(body, table.start)) unprocessed.push",
        "for (const request of elements(body, table.start).slice(0, 1)) unprocessed.push",
      ),
    ],
  },
  "unprocessed-deletes-not-sent": {
    seed: 4800,
    breaks: "Unprocessed deletes are not sent again.",
    edits: [aws("dynamodb/write-body.ts", "remove: body.subarray", "put: body.subarray")],
  },
  "row-read-eventually": {
    seed: 882,
    breaks: "A task's row is read with eventual consistency.",
    edits: [aws("status/status-store.ts", "ConsistentRead: true", "ConsistentRead: false")],
  },
  "row-overwritten": {
    seed: 882,
    breaks: "A row overwrites what another projector wrote meanwhile.",
    edits: [
      aws(
        "status/status-store.ts",
        'ConditionExpression: "#rev = :read"',
        'ConditionExpression: "#rev >= :read"',
      ),
    ],
  },
  "record-overwritten": {
    seed: 315,
    breaks: "A segment's record is overwritten by an earlier fact.",
    edits: [
      aws(
        "status/status-store.ts",
        '"attribute_not_exists(#rank) OR #rank < :rank"',
        '"attribute_not_exists(#rank) OR #rank <> :rank"',
      ),
    ],
  },
  "reservation-without-duration": {
    seed: 2214,
    breaks: "The first reservation of a ceiling is stored without its duration.",
    edits: [aws("worker-table/rate-limiter.ts", '":until": nowMs + durationMs', '":until": nowMs')],
  },
  "reservation-starts-early": {
    seed: 2214,
    breaks: "A reservation starts before earlier reservations end.",
    edits: [aws("worker-table/rate-limiter.ts", "Number(extended[RESERVED_UNTIL]) - durationMs;", "nowMs;")],
  },
  "list-ends-after-first-page": {
    seed: 55,
    breaks: "A listing ends after its first page.",
    edits: [
      aws(
        "archive-store.ts",
        "token = page.IsTruncated === true ? page.NextContinuationToken : undefined;",
        "token = undefined;",
      ),
    ],
  },
  "first-ten-events-only": {
    seed: 1187,
    breaks: "Events beyond the first ten of a step are not put.",
    edits: [aws("bus.ts", "const chunk of chunks(pending)", "const chunk of chunks(pending).slice(0, 1)")],
  },
  "lost-call-not-charged": {
    seed: 131,
    breaks: "A call whose answer is lost is not charged to the ceiling.",
    edits: [
      core(
        "pacing/paced-read.ts",
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
  "put-without-condition": {
    seed: 6317,
    breaks: "An item that must only be put if its key is free overwrites the existing item.",
    edits: [
      aws(
        "dynamodb/insert-body.ts",
        '    ConditionExpression: "attribute_not_exists(#k)",\n    ExpressionAttributeNames: { "#k": keys[0] },\n',
        "",
      ),
    ],
  },
  "insert-overwrites": {
    seed: 383,
    breaks: "A restore that must never overwrite overwrites existing items.",
    edits: [
      core(
        "restore/table-writer.ts",
        "const mayOverwrite = !neverOverwrites(plan, options);",
        "const mayOverwrite = !neverOverwrites(plan, options) || true;",
      ),
    ],
  },
  "skipped-counted-as-written": {
    seed: 383,
    breaks: "A skipped item, whose key is taken, is counted as written.",
    edits: [core("restore/table-writer.ts", '(outcome) => outcome === "exists"', "() => false")],
  },
  "own-items-counted-as-skipped": {
    seed: 190,
    breaks: "An item that Ferry itself put before is counted as skipped.",
    edits: [
      core(
        "restore/table-writer.ts",
        '(outcome) => outcome === "exists"',
        '(outcome) => outcome === "exists" || outcome === "same"',
      ),
    ],
  },
  "existing-key-reported-as-stored": {
    seed: 112,
    breaks: "A put whose key exists is reported as stored.",
    edits: [aws("archive-store.ts", 'return "exists";', 'return "stored";')],
  },
  "backslash-ignored": {
    seed: 142,
    breaks: "A backslash in a string does not escape the next character.",
    edits: [core("archive/cutter.ts", "if (byte === BACKSLASH) i++;", "if (byte === BACKSLASH) i += 0;")],
  },
  "escaped-names-not-decoded": {
    seed: 230,
    breaks: "Attribute names with escapes are compared without decoding them.",
    edits: [
      core(
        "archive/cutter.ts",
        "const name = JSON.parse(decoder.decode(bytes.subarray(i, nameEnd))) as string;",
        "const name = decoder.decode(bytes.subarray(i + 1, nameEnd - 1));",
      ),
    ],
  },
  "cursor-is-first-key": {
    seed: 58,
    breaks: "A worker that adopts a file continues after its first item.",
    edits: [core("archive/chain.ts", "lineSpans(bytes).at(-1)!", "lineSpans(bytes).at(0)!")],
  },
  "end-before-last-file": {
    seed: 197,
    breaks: "The first full file of the scan's last page gets the end mark.",
    edits: [core("backup/writer.ts", "const end = last && next === bounds.length;", "const end = last;")],
  },
  "compressed-size-unlimited": {
    seed: 328,
    breaks: "A data file does not end when it has the largest compressed size.",
    edits: [core("backup/writer.ts", "|| compressedBytes >= maximumCompressedFileBytes", "|| false")],
  },
  "file-kept-after-lost-put": {
    seed: 483,
    breaks: "A worker that loses a put keeps what it put into the next file meanwhile.",
    edits: [core("backup/writer.ts", 'if (outcome === "adopted") {', "if (false) {")],
  },
  "page-retried-from-start": {
    seed: 58,
    breaks: "A page that was throttled is read again from the segment's start.",
    edits: [
      core(
        "backup/scanner.ts",
        "...(after !== undefined && { after }),",
        "...(after !== undefined && tries++ === 0 && { after }),",
      ),
      core(
        "backup/scanner.ts",
        "    const page = readPaced<Page>(\n",
        "    let tries = 0;\n    const page = readPaced<Page>(\n",
      ),
    ],
  },
  "file-done-before-writes": {
    seed: 203,
    breaks: "A restore's file counts as done while its last writes are still in progress.",
    edits: [core("restore/slice.ts", "await writer.settle();\n    if", "if")],
  },
  "only-ignored": {
    seed: 232,
    breaks: "A restore with only writes every item.",
    edits: [core("restore/slice.ts", "!readingLine(bucket, key, number, matches)", "matches === undefined")],
  },
  "only-range-without-its-end": {
    seed: 794,
    breaks: "The end of a range of sort keys does not belong to it.",
    edits: [
      core(
        "archive/key-filter.ts",
        "compareKeyValues(type, value, to) <= 0",
        "compareKeyValues(type, value, to) < 0",
      ),
    ],
  },
  "matched-of-last-call": {
    seed: 232,
    breaks: "A restore with only counts the matched items of its last call alone.",
    edits: [
      core("restore/slice.ts", "matched: (counts.matched ?? 0) + writes.length", "matched: writes.length"),
    ],
  },
  "slice-restarts-file": {
    seed: 97,
    breaks: "A restore's slice starts its file again, and counts its lines twice.",
    edits: [core("restore/slice.ts", "    const from = at.line;\n", "    const from = 0;\n")],
  },
  "lines-counted-not-compared": {
    seed: 390,
    breaks: "The number of a file's lines is not compared with the manifest's.",
    edits: [core("archive/stored-file.ts", "if (lines !== file.items)", "if (false)")],
  },
  "md5-not-compared": {
    seed: 211,
    breaks: "The MD5 of a data file is not compared.",
    edits: [core("archive/stored-file.ts", "if (found !== file.md5)", "if (false)")],
  },
  "segment-attempts-not-stored": {
    seed: 115,
    breaks: "A row's item does not have the attempts of its segments.",
    edits: [
      aws(
        "status/status-item.ts",
        "    attempts: row.attempts,\n    segment",
        "    attempts: {},\n    segment",
      ),
    ],
  },
  "checkpoints-counted-as-complete": {
    seed: 33,
    breaks: "The checkpoints of incomplete segments are counted as if they were complete.",
    edits: [
      aws(
        "status/status-item.ts",
        'items: row["transferred-items"] - parts.items,',
        'items: row["transferred-items"],',
      ),
    ],
  },
};
