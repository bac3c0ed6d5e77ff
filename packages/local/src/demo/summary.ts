/**
 * What the demo says at its end.
 */
import type { Proof } from "./compare.ts";
import type { Ended } from "./request.ts";

export function summary(about: {
  items: number;
  backup: Ended;
  restore: Ended;
  archive: { folder: string; files: number; bytes: number };
  proof: Proof;
  identical: boolean;
  seconds: number;
}): string {
  const { items, backup, restore, archive, proof } = about;
  const bytes = Number(backup.row["transferred-bytes"]);
  const rate = ({ seconds }: Ended) =>
    `${seconds.toFixed(1)} s, ${Math.round(items / seconds).toLocaleString("en")} items/s, ${mb(bytes / seconds)}/s`;
  const proven = about.identical
    ? `identical: ${proof.source.toLocaleString("en")} items, every attribute of every one, as a stock client sees both tables`
    : `NOT identical: ${proof.source} items against ${proof.copy}; differing: ${proof.differences.join(", ")}`;
  return `
  Items        ${items.toLocaleString("en")}, one of them with every DynamoDB type
  Archive      ${mb(bytes)} in ${archive.files} files of ${mb(archive.bytes)}, ${(bytes / archive.bytes).toFixed(1)} times smaller
  Backup       ${backup.row["total-segments"]} segments, ${rate(backup)}
  Restore      ${restore.row["total-segments"]} segments, ${rate(restore)}
  Tables       ${proven}
  Altogether   ${about.seconds.toFixed(1)} s

  The archive is copied to ${archive.folder}
  Look into it:

    zcat ${quoted(`${archive.folder}/0x0000/0x00000000.json.gz`)} | head -3 | cut -c 1-200
    cat ${quoted(`${archive.folder}/manifest-summary.json`)}
`;
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
