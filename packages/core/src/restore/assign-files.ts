/**
 * The order in which a segment writes its files, and the assignment of files in plans of earlier versions. Consecutive files hold
 * neighbouring keys. Each segment has the files of one part of the list, so the segments' writes are at different places of the
 * table; the shuffle moves a segment's own writes from place to place, so that no key range stays hot.
 */
import type { ManifestFile } from "../archive/file-list.ts";
import { fnv1a, seeded } from "../hash.ts";

/** The files of one segment in plans without `list`, whose segments take turns in the shuffled list. */
export function assignFiles(
  files: readonly ManifestFile[],
  seed: string,
  segment: number,
  totalSegments: number,
): ManifestFile[] {
  return inSeededOrder(files, seed).filter((_, i) => i % totalSegments === segment);
}

/** The values in another order, which depends only on the seed and their number. Fisher–Yates. */
export function inSeededOrder<T>(values: readonly T[], seed: string): T[] {
  const random = seeded(fnv1a(seed));
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
