import { describe, expect, test } from "vitest";
import { IMPORT_FILES_MAX, notesOf } from "./notes.ts";
import { newTaskRow } from "./status.ts";

const row = (action: "backup" | "restore", batches: number) => ({
  ...newTaskRow({ action, key: "us-east-1-cities", timestamp: 1 }, "2026-11-01T02:00:00Z"),
  batches,
});

describe("a row's notes", () => {
  test("warn that a backup has more files than ImportTable reads", () => {
    expect(notesOf(row("backup", IMPORT_FILES_MAX + 1))).toEqual([
      expect.stringContaining("50001 data files, but ImportTable reads at most 50000"),
    ]);
  });

  test("count the files of failed segments", () => {
    const segmentCheckpoints = { 3: { batches: 1, items: 1, bytes: 1 } };
    expect(notesOf({ ...row("backup", IMPORT_FILES_MAX), segmentCheckpoints })).toHaveLength(1);
  });

  test("are empty for a backup that ImportTable reads, and for a restore", () => {
    expect(notesOf(row("backup", IMPORT_FILES_MAX))).toEqual([]);
    expect(notesOf(row("restore", IMPORT_FILES_MAX + 1))).toEqual([]);
  });
});
