/**
 * What one case of the bench moves: pages of a scan and the lines that a data file holds of them.
 */
import { Buffer } from "node:buffer";
import type { Compression } from "@ferry/core/archive/compression";
import type { Mix } from "./mixes.ts";
import { pagesOf } from "./mixes.ts";

/** One measured configuration. */
export interface Case {
  readonly action: "backup" | "restore";
  readonly mix: Mix;
  readonly compression: BenchCompression;
  readonly scheme: "http" | "https";
  /** Pages of a scan, of 1 MiB as DynamoDB counts. */
  readonly pages: number;
  /** The uncompressed size of a data file. */
  readonly fileBytes: number;
  /** How long the server waits before it answers a scan and a put. */
  readonly scanMs: number;
  readonly putMs: number;
  /** Slices at a time in one process, each with all of the pages. */
  readonly slices: number;
}

/** How the data files are compressed. */
export interface BenchCompression {
  /** As in packages/core/src/archive/compression.ts. */
  readonly format: Compression;
  readonly level: number;
}

export const table = { region: "us-east-1", name: "bench" };
export const benchBucket = { region: "us-east-1", name: "bench" };
export const prefix = "archive";
export const MIB = 1024 * 1024;
/** The uncompressed size of a data file that plans have by default, MiB. */
export const FILE_MIB = 32;

/** Further pages repeat the first ones, so that long runs fit into memory. They are too far apart for any compression to notice. */
const DISTINCT_PAGES_MAX = 32;

export interface Fixture {
  readonly pages: readonly CannedPage[];
  /** The page of each number. */
  pageAt(number: number): CannedPage;
  readonly items: number;
  /** Bytes of all lines. */
  readonly bytes: number;
}

/** One page: its items, and their lines in a data file. */
export interface CannedPage {
  readonly items: readonly string[];
  readonly lines: Buffer;
}

export function fixtureOf({ mix, pages: count }: Case): Fixture {
  const pages = pagesOf(mix, Math.min(count, DISTINCT_PAGES_MAX)).map((items) => ({
    items,
    lines: Buffer.from(items.map((item) => `{"Item":${item}}\n`).join("")),
  }));
  const pageAt = (number: number) => pages[number % pages.length]!;
  const all = Array.from({ length: count }, (_, number) => pageAt(number));
  return {
    pages,
    pageAt,
    items: all.reduce((sum, { items }) => sum + items.length, 0),
    bytes: all.reduce((sum, { lines }) => sum + lines.length, 0),
  };
}

/** A case as it is named in tables and in baseline.json. What is not as usual has the words that `unusual` returns. */
export function caseName(bench: Case): string {
  const { action, mix, compression, scheme } = bench;
  return [action, mix, `${compression.format}-${compression.level}`, scheme, ...unusual(bench)].join(" ");
}

function unusual({ fileBytes, scanMs, putMs, slices }: Case): string[] {
  return [
    ...(slices === 1 ? [] : [`${slices}-slices`]),
    ...(fileBytes === FILE_MIB * MIB ? [] : [`${fileBytes / MIB}-MiB`]),
    ...(scanMs + putMs === 0 ? [] : [`${scanMs}+${putMs}-ms`]),
  ];
}
