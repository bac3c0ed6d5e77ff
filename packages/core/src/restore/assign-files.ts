/**
 * Assigns an archive's files to segments. Consecutive files hold neighbouring keys; the shuffle distributes a task's writes
 * over the whole table, so that no key range becomes hot.
 */
import type { ManifestFile } from "../archive/file-list.ts";
import { fnv1a, seeded } from "../hash.ts";

/** The files of one segment, in the order in which they are written. The shuffle is seeded, so each slice gets the same files. */
export function assignFiles(
  files: readonly ManifestFile[],
  seed: string,
  segment: number,
  totalSegments: number,
): ManifestFile[] {
  return shuffled(files, seeded(fnv1a(seed))).filter((_, i) => i % totalSegments === segment);
}

/** Fisher–Yates shuffle. */
function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
