/**
 * One run of one seed: the engine's real consumers on a simulated cloud, a storm of faults, calm, then a retry of all
 * that did not succeed; and the checks of what it left behind. All time is virtual, and all chance is the seed's.
 */
import { itemOfRow } from "@ferry/aws/status-item";
import { itemBytes } from "@ferry/aws/testing/item-size";
import type { BusEvent } from "@ferry/core/events";
import { stateOf, type TaskRow } from "@ferry/core/projection/status";
import { bucket, destination, source } from "@ferry/core/testing/tasks";
import { memoryArchiveStore } from "@ferry/memory/archive-store";
import { memoryRateLimiter } from "@ferry/memory/rate-limiter";
import { memorySliceClaims } from "@ferry/memory/slice-claims";
import { memoryStatusStore, type RowChange } from "@ferry/memory/status-store";
import { memoryTableLeases } from "@ferry/memory/table-leases";
import { memoryTables } from "@ferry/memory/tables";
import { memoryTaskRegistry } from "@ferry/memory/task-registry";
import { START_MS } from "@ferry/memory/time";
import { violationsOf } from "./checks/all.ts";
import { lastLineOf } from "./checks/data-files.ts";
import type { Snapshot } from "./checks/outcome.ts";
import { createRecorder, type Recorder } from "./checks/recorder.ts";
import { taskName } from "./checks/recount.ts";
import { type Bus, createBus } from "./cloud/bus.ts";
import type { ItemTables } from "./cloud/dynamodb/item-tables.ts";
import { itemChanged, statusOf } from "./cloud/dynamodb/own-status.ts";
import { createOwnTables } from "./cloud/dynamodb/own-tables.ts";
import { createFaults } from "./cloud/faults.ts";
import { createLambda } from "./cloud/lambda.ts";
import type { Cloud } from "./cloud/ports.ts";
import { createQueues } from "./cloud/queues.ts";
import { announced, reported } from "./cloud/router.ts";
import { createScheduler, rngOf } from "./cloud/scheduler.ts";
import { createFixtures, destinations } from "./scenario/fixtures.ts";
import { itemsOf } from "./scenario/items.ts";
import { createOperations, type Operations } from "./scenario/operations.ts";
import { createOtherArchive } from "./scenario/other-archive.ts";
import { type Scenario, scenarioOf } from "./scenario/scenario.ts";

/** What a run came to. */
export interface Run {
  readonly seed: number;
  /** Each one line, beginning with a short name in capitals. */
  readonly violations: readonly string[];
  /** What happened how often. */
  readonly counts: Readonly<Record<string, number>>;
}

/** How a run is watched. */
export interface Watching {
  /** Hears what happens, a line each, as it happens. Two runs of a seed tell the same. */
  readonly tell?: (line: string) => void;
}

/** Steps in which a run must come to rest once the faults have stopped. */
const CALM_STEPS_MAX = 300_000;
/** Steps of a storm: none comes near. */
const STORM_STEPS_MAX = 1_000_000;
/** How often what did not succeed is retried in the end. */
const HEALING_ROUNDS_MAX = 40;
/** By when a first task is under way, or never will be, ms. */
const START_MS_MAX = 4 * 3_600_000;
/** Clocks may be off by this much, where no ceiling depends on them. */
const SKEW_MS_MAX = 2000;
const LIMITED_SKEW_MS_MAX = 50;

/** A backup takes one segment for so much of a table. */
const SEGMENT_BYTES = 4 * 1024 ** 3;

/** Runs one seed to its end. Never throws for what the engine does wrong: that is a violation. */
export async function simulate(seed: number, watching: Watching = {}): Promise<Run> {
  const { recorder: _, ...run } = await simulateScenario(seed, scenarioOf(rngOf(seed, 0)), watching);
  return run;
}

/** Runs a scenario with the chance of a seed; gives what was seen of it, too. */
export async function simulateScenario(
  seed: number,
  scenario: Scenario,
  { tell }: Watching = {},
): Promise<Run & { readonly recorder: Recorder }> {
  const scheduler = createScheduler();
  const chance = rngOf(seed, 1);
  const log = (line: () => string) =>
    tell?.(`${((scheduler.now() - START_MS) / 1000).toFixed(3).padStart(10)} ${line()}`);
  log(() => `seed ${seed}: ${JSON.stringify(scenario)}`);
  const faults = createFaults(scenario.faultRates, scenario.faultsMax, chance);
  const recorder = createRecorder(scheduler.now);
  const parts = { scheduler, chance, faults };

  const items = itemsOf(scenario);
  let operations: Operations | undefined;
  const archive = memoryArchiveStore();
  const tables = memoryTables({
    pageBytes: scenario.pageBytes,
    layout: chance.random,
    ...(scenario.data.stalenessMs > 0 && {
      staleness: {
        // What is there at first has been there for long.
        now: () => (operations === undefined ? 0 : scheduler.now()),
        msMax: scenario.data.stalenessMs,
        random: chance.random,
      },
    }),
    weight: scenario.weight,
    consumed(table, kind, units) {
      const limited = kind === "read" ? source : destination;
      if (table.name === limited.name) recorder.consumed(kind, units);
    },
    faults: {
      scan: () => (faults.strikes("shortPage") ? { itemsMax: chance.between(0, 2) } : undefined),
      write: (_, writes) =>
        faults.strikes("unprocessed") ? { unprocessed: chance.between(1, writes.length) } : undefined,
    },
  });
  const finished = new Map<string, Snapshot>();
  const otherArchive = createOtherArchive(archive);
  const fixtures = createFixtures(scenario, items, tables, archive, otherArchive, chance);

  const rowChanged = (change: RowChange) => {
    log(() => `row of ${change.after.action} ${change.after["request-id"]} is ${inWords(change.after)}`);
    recorder.rowChanged(change);
    const said = announced(change);
    if (said !== undefined) {
      const times = faults.strikes("duplicateEvent") ? 2 : 1;
      for (let time = 0; time < times; time++)
        scheduler.after(chance.between(10, 1000), () => bus.accept(said, "ferry"));
    }
    operations?.rowChanged(change.after);
  };
  const memoryStatus = memoryStatusStore(rowChanged, (row) => itemBytes(itemOfRow(row)));
  const ownTables = scenario.data.realAdapters ? createOwnTables(itemChanged(rowChanged)) : undefined;
  const status = ownTables === undefined ? memoryStatus : statusOf(ownTables);
  const bus: Bus = createBus(
    {
      heard(event) {
        recorder.heard(event);
        snapshot(event);
      },
      send(queue, body, event: BusEvent) {
        if (queue === "projection-queue" && !operations!.loses(queue, event["detail-type"]))
          recorder.projected(event);
        else if (queue === "projection-queue") return;
        queues.send(queue, body);
      },
      log,
    },
    parts,
  );
  const queues = createQueues(
    {
      attempts: scenario.attempts,
      ready: (queue) => lambda.ready(queue),
      report(body) {
        const said = reported(body);
        if (said === undefined) log(() => "the Pipe gives up a dead letter: it does not say what to report");
        else scheduler.after(chance.between(10, 1000), () => bus.accept(said, "ferry"));
      },
      loses: (queue, type) => queue !== "projection-queue" && operations!.loses(queue, type),
      log,
    },
    parts,
  );
  const limited = scenario.provisioned || scenario.backup["read-units"] !== undefined;
  const lambda = createLambda(
    {
      timeoutMs: scenario.timeoutSeconds * 1000,
      concurrency: scenario.concurrency,
      skewMsMax: limited ? LIMITED_SKEW_MS_MAX : SKEW_MS_MAX,
    },
    () => cloud,
    scheduler,
  );
  operations = createOperations(scenario, {
    ...parts,
    items,
    bus,
    tables,
    archive,
    otherArchive,
    status,
    log,
  });
  const watched = {
    ...archive,
    async putNew(...[address, key, body, about]: Parameters<typeof archive.putNew>) {
      const put = await archive.putNew(address, key, body, about);
      if (put === "stored") objectPut(key, body);
      return put;
    },
    plant(...[address, key, body, metadata]: Parameters<typeof archive.plant>) {
      archive.plant(address, key, body, metadata);
      objectPut(key, body);
    },
  };
  const growing: ItemTables = {
    ...tables,
    async describe(table) {
      const described = await tables.describe(table);
      return scenario.grows ? { ...described, sizeBytes: chance.between(1, 6) * SEGMENT_BYTES } : described;
    },
  };
  const cloud: Cloud = {
    ...parts,
    tables: growing,
    archive: watched,
    status: memoryStatus,
    ...(ownTables !== undefined && { ownTables }),
    statements: scenario.data.statements,
    outside: scheduler.outside,
    limiter: memoryRateLimiter(),
    claims: memorySliceClaims(),
    leases: memoryTableLeases(),
    registry: memoryTaskRegistry(),
    bus,
    queues,
    settings: scenario.settings,
    recorder,
    denied: () => operations!.denied(),
    projectorStopsUntilMs: () => operations!.actors.projectorStopsUntilMs(),
    log,
  };

  function objectPut(key: string, body: Uint8Array): void {
    recorder.stored(key);
    if (key.includes("/0x") && faults.strikes("writeAtCursor")) operations!.filePut(lastLineOf(body));
    if (!key.endsWith("/manifest-summary.json")) return;
    const prefix = key.slice(0, -"/manifest-summary.json".length);
    recorder.sealed(prefix, archive.contents(bucket, `${prefix}/`));
  }

  /** Keeps what a restore's table holds when its task is said to be finished. */
  function snapshot({ "detail-type": type, detail }: BusEvent): void {
    const { task } = detail as { task?: TaskRow };
    if (type !== "TaskFinished" || task?.action !== "restore" || finished.has(taskName(task))) return;
    const row = status.rows().find((one) => taskName(one) === taskName(task));
    const table = destinations.find(({ name }) => name === row?.request["table-name"]);
    if (table === undefined) return;
    const texts = tables.items(table).map((bytes) => new TextDecoder().decode(bytes));
    const began = [...recorder.runs.values()].filter(
      ({ work }) => work.task?.id === (task as { id?: string }).id,
    );
    finished.set(taskName(task), {
      there: new Map(texts.map((text) => [items.nameOf(text), text])),
      fromMs: began.at(-1)?.beganMs ?? scheduler.now(),
      atMs: scheduler.now(),
    });
  }

  /** Runs until nothing is left to do; the steps it took, or nothing where there was no end. */
  async function rest(stepsMax: number, untilMs = () => Number.POSITIVE_INFINITY): Promise<boolean> {
    for (let steps = 0; scheduler.now() < untilMs(); steps++) {
      if (steps > stepsMax) return false;
      if (!(await scheduler.step())) return true;
    }
    return true;
  }

  operations.begin();
  let atRest = await rest(
    STORM_STEPS_MAX,
    () => (operations?.startedMs() ?? START_MS + START_MS_MAX) + scenario.faultPhaseMs,
  );
  faults.end();
  operations.quiesce();
  log(() => "the storm is over");
  atRest &&= await rest(CALM_STEPS_MAX);
  queues.redrive();
  atRest &&= await rest(CALM_STEPS_MAX);
  const calmRows = status.rows();
  const calmFacts = recorder.facts.length;
  const healing = { atMs: scheduler.now(), events: recorder.events.length };
  let healed = 0;
  // An attempt may be shorter than its task.
  for (let round = 0; atRest && round < HEALING_ROUNDS_MAX; round++) {
    log(() => "all that did not succeed is retried");
    const retried = operations.retryAll(round > 0);
    if (retried === 0) break;
    healed += retried;
    atRest = await rest(CALM_STEPS_MAX);
  }
  const violations = atRest
    ? await violationsOf({
        scenario,
        operations,
        items,
        ...fixtures,
        recorder,
        archive,
        tables,
        status,
        calmRows,
        calmFacts,
        healing,
        finished,
        otherVersions: otherArchive.versions.map((texts) => ({
          items: new Map(texts.map((text) => [items.nameOf(text), text])),
          lines: texts.length,
        })),
      })
    : [`LIVELOCK: no rest after ${CALM_STEPS_MAX} steps`];
  return {
    seed,
    violations,
    recorder,
    counts: {
      runs: 1,
      healed,
      ...countsOf(status.rows()),
      ...faults.counts,
      ...callsOf(recorder),
    },
  };
}

function inWords(row: TaskRow): string {
  const { attempt, completed, total, cancelledAttempt, failedStepAttempt, items } = row;
  const failed = Object.entries(row.failed).map(([segment, in_]) => `${segment}@${in_}`);
  return `${stateOf(row)}: attempt ${attempt}, ${completed.length} of ${total} complete, ${items} items, failed [${failed}], cancelled attempt ${cancelledAttempt}, failed step's attempt ${failedStepAttempt}`;
}

function countsOf(rows: readonly TaskRow[]): Record<string, number> {
  const counts: Record<string, number> = { tasks: rows.length };
  for (const row of rows) counts[stateOf(row)] = (counts[stateOf(row)] ?? 0) + 1;
  return counts;
}

function callsOf({ calls, events, facts }: Recorder): Record<string, number> {
  return { events: events.length, facts: facts.length, calls: calls.length };
}
