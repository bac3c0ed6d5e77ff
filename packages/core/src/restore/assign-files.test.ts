import { expect, test } from "vitest";
import type { ManifestFile } from "../archive/file-list.ts";
import { assignFiles } from "./assign-files.ts";

const files = Array.from({ length: 100 }, (_, n) => ({ dataFileS3Key: `0x${n}` }) as ManifestFile);
const numbers = (share: ManifestFile[]) => share.map((file) => files.indexOf(file));

test.each([1, 3, 7, 100, 120])("%i segments share the files: each is one segment's", (total) => {
  const shares = Array.from({ length: total }, (_, segment) => assignFiles(files, "task-1", segment, total));
  expect(numbers(shares.flat()).toSorted((a, b) => a - b)).toEqual(files.map((_, n) => n));
  // As even as can be.
  const sizes = shares.map((share) => share.length);
  expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
});

test("a segment's share is the same each time it is asked for, and another task's is another", () => {
  expect(assignFiles(files, "task-1", 2, 5)).toEqual(assignFiles(files, "task-1", 2, 5));
  expect(assignFiles(files, "task-1", 2, 5)).not.toEqual(assignFiles(files, "task-2", 2, 5));
});

test("the order is shuffled evenly: each file comes to each place", () => {
  const few = files.slice(0, 4);
  const places = few.map(() => [0, 0, 0, 0]);
  for (let seed = 0; seed < 4000; seed++)
    numbers(assignFiles(few, `task-${seed}`, 0, 1)).forEach((file, place) => {
      places[file]![place]!++;
    });
  for (const count of places.flat()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
