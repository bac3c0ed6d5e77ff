/**
 * Decides which archives of a list a prune removes.
 */
import type { ListedArchive } from "../archive/list-archives.ts";
import { type KeepRules, keptFor } from "./keep-rules.ts";

/** What a prune does with an archive. */
export interface PruneDecision {
  readonly archive: ListedArchive;
  /** `leave`: the rules do not apply to it. */
  readonly decision: "keep" | "remove" | "leave";
  /** Why; empty if it is removed because no rule keeps it. */
  readonly reasons: readonly string[];
}

/** The archives that open tasks read or write, by their URL, and the tasks' ids. */
export type ArchivesInUse = ReadonlyMap<string, string>;

export interface PruneOptions {
  readonly rules: KeepRules;
  /** Whether the rules also apply to DynamoDB's full exports. Incremental ones are never removed. */
  readonly exports: boolean;
  readonly inUse: ArchivesInUse;
  /** The exports of the folders in which an archive of the list is: incremental exports may build on it. */
  readonly neighbours: readonly ListedArchive[];
}

/**
 * Decides for each archive. The rules apply to the sealed archives of each table, those of Ferry and full exports separately. What an
 * earlier prune did not complete is removed, unless the rules keep it: then something else removed its task.json.
 */
export function planPrune(archives: readonly ListedArchive[], options: PruneOptions): PruneDecision[] {
  const subjects = archives.filter((archive) => whyLeft(archive, options) === undefined);
  const isSealed = ({ state }: ListedArchive) => state === "sealed";
  const rulesKeep = (archive: ListedArchive) => {
    // One that cannot be restored does not count for the others.
    const group = subjects.filter(
      (other) => groupOf(other) === groupOf(archive) && (isSealed(other) || other === archive),
    );
    const times = group.map((one) => Date.parse(timeOf(one)!));
    return keptFor(times, options.rules)[group.indexOf(archive)]!;
  };
  const decisions = archives.map((archive): PruneDecision => {
    const left = whyLeft(archive, options);
    if (left !== undefined) return { archive, decision: "leave", reasons: [left] };
    const task = options.inUse.get(archive.url);
    const kept = [
      ...(timeOf(archive) === undefined ? [] : rulesKeep(archive)),
      ...(task === undefined ? [] : [`in use by task ${task}`]),
      ...buildersOf(archive, [...archives, ...options.neighbours]),
    ];
    if (isSealed(archive)) return { archive, decision: kept.length > 0 ? "keep" : "remove", reasons: kept };
    return kept.length > 0
      ? {
          archive,
          decision: "leave",
          reasons: ["its task.json is missing, so it cannot be restored", ...kept],
        }
      : { archive, decision: "remove", reasons: ["an earlier prune did not complete"] };
  });
  return decisions.map((decision) =>
    withReaders(decision, [...decisions, ...options.neighbours.map(asLeft)]),
  );
}

/** Keeps an archive whose data files another one names that stays: restored with manifest-keys as-listed, it reads them. */
function withReaders(decision: PruneDecision, all: readonly PruneDecision[]): PruneDecision {
  const reader = all.find(
    (other) => other.archive.filesAt === decision.archive.url && other.decision !== "remove",
  );
  if (decision.decision !== "remove" || reader === undefined) return decision;
  return {
    ...decision,
    decision: "keep",
    reasons: [`the manifest at ${reader.archive.url} names its files`],
  };
}

function asLeft(archive: ListedArchive): PruneDecision {
  return { archive, decision: "leave", reasons: [] };
}

/** The time of an archive for the rules: of an export, the moment whose items it holds. ISO 8601. */
export function timeOf({ window, startedTime }: ListedArchive): string | undefined {
  return window?.to ?? startedTime;
}

function groupOf({ writer, tableArn }: ListedArchive): string {
  return `${writer} ${tableArn}`;
}

/** Why the rules do not apply to an archive; undefined if they do. */
function whyLeft(archive: ListedArchive, { exports }: PruneOptions): string | undefined {
  const { state, writer, incremental, tableArn, problem } = archive;
  if (state === "open") return "not sealed: a backup may still write to it";
  if (state === "broken" || writer === "unknown") return `cannot be read: ${problem ?? "unknown writer"}`;
  if (incremental) return "an incremental export, whose files are in a folder with those of others";
  if (writer === "dynamodb" && !exports) return "DynamoDB's export; --exports applies the rules to full ones";
  if (state === "sealed" && (tableArn === undefined || timeOf(archive) === undefined))
    return "its summary does not name its table and time";
  return undefined;
}

/** The incremental exports that continue a full export: each must stay restorable. */
function buildersOf(archive: ListedArchive, all: readonly ListedArchive[]): string[] {
  const { writer, tableArn, window, incremental } = archive;
  if (writer !== "dynamodb" || incremental || window === undefined) return [];
  const builder = all.find(
    (other) =>
      other.incremental &&
      other.tableArn === tableArn &&
      other.window !== undefined &&
      // An incremental export without a start is taken for one that continues it.
      (other.window.from ?? "") <= window.to &&
      other.window.to > window.to,
  );
  return builder === undefined ? [] : [`incremental export ${builder.url} builds on it`];
}
