/**
 * The text that the demo prints at its end.
 */
import type { Comparison } from "./compare.ts";
import type { TaskResult } from "./request.ts";

export function summary(result: {
  items: number;
  backup: TaskResult;
  restore: TaskResult;
  archive: { folder: string; files: number; bytes: number };
  comparison: Comparison;
  identical: boolean;
  seconds: number;
}): string {
  const { items, backup, restore, archive, comparison } = result;
  const bytes = backup.task.bytes;
  const rate = ({ seconds }: TaskResult) =>
    `${seconds.toFixed(1)} s, ${Math.round(items / seconds).toLocaleString("en")} items/s, ${mb(bytes / seconds)}/s`;
  const tables = result.identical
    ? `identical: ${comparison.source.toLocaleString("en")} items, all attributes, as read by a stock client`
    : `NOT identical: source ${comparison.source} items, copy ${comparison.copy}; different: ${comparison.differences.join(", ")}`;
  return `
  Items        ${items.toLocaleString("en")}, one of them with every DynamoDB type
  Archive      ${mb(bytes)} in ${archive.files} files of ${mb(archive.bytes)}, ${(bytes / archive.bytes).toFixed(1)} times smaller
  Backup       ${backup.task.segments.total} segments, ${rate(backup)}
  Restore      ${restore.task.segments.total} segments, ${rate(restore)}
  Tables       ${tables}
  Total time   ${result.seconds.toFixed(1)} s

  The archive is in ${archive.folder}
  To read it:

    zcat ${quoted(`${archive.folder}/0x0000/0x00000000.json.gz`)} | head -3 | cut -c 1-200
    cat ${quoted(`${archive.folder}/manifest-summary.json`)}
`;
}

/** Quotes a path for a shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
