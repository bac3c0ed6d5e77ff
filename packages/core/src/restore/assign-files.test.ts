import { expect, test } from "vitest";
import type { ManifestFile } from "../archive/file-list.ts";
import { assignFiles } from "./assign-files.ts";

const files = Array.from({ length: 100 }, (_, n) => ({ dataFileS3Key: `0x${n}` }) as ManifestFile);
const numbers = (assigned: ManifestFile[]) => assigned.map((file) => files.indexOf(file));

test.each([1, 3, 7, 100, 120])("each file is assigned to exactly one of %i segments", (total) => {
  const segments = Array.from({ length: total }, (_, segment) =>
    assignFiles(files, "task-1", segment, total),
  );
  expect(numbers(segments.flat()).toSorted((a, b) => a - b)).toEqual(files.map((_, n) => n));
  // The numbers of files differ by at most one.
  const sizes = segments.map((assigned) => assigned.length);
  expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
});

test("a segment's files are the same at each call, and differ between tasks", () => {
  expect(assignFiles(files, "task-1", 2, 5)).toEqual(assignFiles(files, "task-1", 2, 5));
  expect(assignFiles(files, "task-1", 2, 5)).not.toEqual(assignFiles(files, "task-2", 2, 5));
});

test("the shuffle is uniform: each file is at each position equally often", () => {
  const few = files.slice(0, 4);
  const countsByPosition = few.map(() => [0, 0, 0, 0]);
  for (let seed = 0; seed < 4000; seed++)
    numbers(assignFiles(few, `task-${seed}`, 0, 1)).forEach((file, position) => {
      countsByPosition[file]![position]!++;
    });
  for (const count of countsByPosition.flat()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
