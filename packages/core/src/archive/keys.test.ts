import { expect, test } from "vitest";
import {
  dataFileKey,
  dataPrefix,
  manifestFilesKey,
  manifestSummaryKey,
  segmentOfKey,
  segmentPrefix,
  tableKey,
  taskKey,
} from "./keys.ts";

test("every object of an archive has the key that the format defines", () => {
  expect(taskKey("a/b")).toBe("a/b/task.json");
  expect(tableKey("a/b")).toBe("a/b/table.json");
  expect(manifestFilesKey("a/b")).toBe("a/b/manifest-files.json");
  expect(manifestSummaryKey("a/b")).toBe("a/b/manifest-summary.json");
  expect(dataPrefix("a/b")).toBe("a/b/0x");
  expect(segmentPrefix("a/b", 31)).toBe("a/b/0x001f/");
  expect(dataFileKey("a/b", 4000, 0x1234567, "gzip")).toBe("a/b/0x0fa0/0x01234567.json.gz");
  expect(dataFileKey("a/b", 0, 0, "zstd")).toBe("a/b/0x0000/0x00000000.json.zst");
});

test("a data file's key has its segment; other keys have none", () => {
  expect(segmentOfKey(dataFileKey("a/b", 4000, 7, "zstd"))).toBe(4000);
  expect(segmentOfKey(taskKey("a/b"))).toBeUndefined();
  expect(segmentOfKey("a/b/data/abc.json.gz")).toBeUndefined();
});
