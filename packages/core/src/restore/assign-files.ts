/**
 * Which of the archive's files are a segment's. Files in scan order hold neighbouring keys: in a shuffled order the
 * writes of a task spread over the whole table instead of heating one key range after the other.
 */
import type { ManifestFile } from "../archive/file-list.ts";
import { fnv1a, seeded } from "../hash.ts";

/** The files of one segment, in the order it writes them. The shuffle is seeded: every slice finds the same share. */
export function assignFiles(
  files: readonly ManifestFile[],
  seed: string,
  segment: number,
  totalSegments: number,
): ManifestFile[] {
  return shuffled(files, seeded(fnv1a(seed))).filter((_, i) => i % totalSegments === segment);
}

/** Fisher and Yates. */
function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
