import { somePlan, someTask } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { RestorePlan } from "../events/events.ts";
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

  test("say that a restore with only found nothing, once it has succeeded", () => {
    const plan = somePlan(someTask("archives", "restore"), 1) as RestorePlan;
    const selective = { ...plan, request: { ...plan.request, only: [{ id: { S: "a" } }] } };
    const found = { ...row("restore", 1), accepted: true, total: 1, completed: [0], plan: selective };
    expect(notesOf({ ...found, finished: true })).toEqual([
      "The archive has no item with a key in only: nothing was written.",
    ]);
    expect(notesOf(found)).toEqual([]);
    expect(notesOf({ ...found, finished: true, matched: 1 })).toEqual([]);
    expect(notesOf({ ...found, finished: true, plan })).toEqual([]);
  });

  test("name each setting of a new table that it does not have, with the reason", () => {
    const settings = {
      indexes: { outcome: "reapplied" },
      stream: { outcome: "off" },
      encryption: { outcome: "left-out", reason: "the request has table-settings keys" },
      tags: { outcome: "not-captured", reason: "denied" },
      "time-to-live": { outcome: "refused", reason: "UpdateTimeToLive: denied" },
    } as const;
    expect(notesOf({ ...row("restore", 1), settings })).toEqual([
      "The setting tags is not reapplied (not-captured): denied.",
      "The setting time-to-live is not reapplied (refused): UpdateTimeToLive: denied.",
    ]);
  });

  test("are empty for a backup that ImportTable reads, and for a restore", () => {
    expect(notesOf(row("backup", IMPORT_FILES_MAX))).toEqual([]);
    expect(notesOf(row("restore", IMPORT_FILES_MAX + 1))).toEqual([]);
  });
});
