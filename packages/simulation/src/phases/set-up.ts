/**
 * Sets up the simulated cloud of a run: tables, bucket, bus, queues and Lambda, connected as the topology says, and the
 * operations on them. Nothing has been requested yet.
 */
import { itemOfRow } from "@ferry/aws/status/status-item";
import { itemBytes } from "@ferry/aws/testing/item-size";
import { stateOf, type TaskRow } from "@ferry/core/projection/status";
import { memoryArchiveStore } from "@ferry/memory/archive-store";
import { memoryPorts } from "@ferry/memory/ports";
import { memoryStatusStore, type RowChange } from "@ferry/memory/status-store";
import { memoryTableAdmin } from "@ferry/memory/table-admin";
import { START_MS } from "@ferry/memory/time";
import { createRecorder } from "../checks/recorder.ts";
import { createBus, type SimulatedBus } from "../cloud/bus.ts";
import { openSharedClients } from "../cloud/dynamodb/client.ts";
import { itemChanged, statusTablesOf } from "../cloud/dynamodb/own-status.ts";
import { createOwnTables } from "../cloud/dynamodb/own-tables.ts";
import { createFaults } from "../cloud/faults.ts";
import { createLambda } from "../cloud/lambda.ts";
import { createMonitor, type Monitor } from "../cloud/monitor.ts";
import { createOutages } from "../cloud/outages.ts";
import type { Cloud } from "../cloud/ports.ts";
import { createQueues } from "../cloud/queues.ts";
import { createRouter, type EventBody } from "../cloud/router.ts";
import { createScheduler, rngOf } from "../cloud/scheduler.ts";
import { createFaultPhase } from "../scenario/fault-phase.ts";
import { createFixtures } from "../scenario/fixtures.ts";
import { itemsOf } from "../scenario/items.ts";
import { createOperations, type Operations } from "../scenario/operations.ts";
import { createOtherArchive } from "../scenario/other-archive.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { createItemTables, withGrowingSize } from "./item-tables.ts";
import { observedArchive } from "./observed-archive.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

/** A run that is set up. */
export type Simulation = ReturnType<typeof setUp>;

/** Clocks may be off by this much; by less if a ceiling depends on them. */
const SKEW_MS_MAX = 2000;
const LIMITED_SKEW_MS_MAX = 50;
/** How long a new table is CREATING. */
const CREATING_MS_MIN = 2_000;
const CREATING_MS_MAX = 90_000;
const EVENT_DELAY_MS_MIN = 10;
const EVENT_DELAY_MS_MAX = 1000;

/** `onLine` receives each line of the trace. */
export function setUp(seed: number, scenario: Scenario, onLine: ((line: string) => void) | undefined) {
  const scheduler = createScheduler();
  const rng = rngOf(seed, 1);
  const log = (line: () => string) =>
    onLine?.(`${((scheduler.now() - START_MS) / 1000).toFixed(3).padStart(10)} ${line()}`);
  log(() => `seed ${seed}: ${JSON.stringify(scenario)}`);
  const faults = createFaults(scenario, rng);
  const faultPhase = createFaultPhase(scenario.faultPhaseMs, scheduler, rng);
  const outages = createOutages(scenario, { scheduler, rng, faultPhase, log });
  const recorder = createRecorder(scheduler.now);
  const parts = { scheduler, rng, faults };
  const { announced, reported, routed } = createRouter();

  const items = itemsOf(scenario);
  let operations: Operations | undefined;
  let monitor: Monitor | undefined;
  const archive = memoryArchiveStore();
  const tables = createItemTables(scenario, { ...parts, isSetUp: () => operations !== undefined });
  /** By `taskName`: a restore's table when its task first reported that it was finished. */
  const finished = new Map<string, Snapshot>();
  const otherArchive = createOtherArchive(archive);
  const fixtures = createFixtures(scenario, items, tables, archive, otherArchive, rng);

  /** Puts an event on the bus as a Pipe does: some time later. */
  const putLater = (event: EventBody) =>
    void scheduler.after(rng.between(EVENT_DELAY_MS_MIN, EVENT_DELAY_MS_MAX), () =>
      bus.accept(event, "ferry"),
    );
  const rowChanged = (change: RowChange) => {
    log(() => `row of ${change.after.action} ${change.after["request-id"]} is ${describeRow(change.after)}`);
    recorder.rowChanged(change);
    const announcement = announced(change);
    if (announcement !== undefined && faults.occurs("lostAnnouncement")) {
      log(() => `the announcement ${announcement["detail-type"]} is LOST`);
      recorder.lostAnnouncements.push(announcement);
    } else if (announcement !== undefined) {
      const times = faults.occurs("duplicateEvent") ? 2 : 1;
      for (let time = 0; time < times; time++) putLater(announcement);
    }
    monitor?.rowChanged(change.after);
    operations?.rowChanged(change.after);
  };
  const memoryStatus = memoryStatusStore(rowChanged, (row) => itemBytes(itemOfRow(row)));
  const ownTables = scenario.data.realAdapters ? createOwnTables(itemChanged(rowChanged)) : undefined;
  const status = ownTables === undefined ? memoryStatus : statusTablesOf(ownTables);
  const bus: SimulatedBus = createBus(
    {
      onAccepted(event) {
        recorder.eventAccepted(event);
        takeSnapshot(event, finished, { status, tables, items, recorder, nowMs: scheduler.now() });
      },
      routed,
      send(queue, body, event) {
        if (queue === "projection-queue") {
          if (outages.loses(queue, event["detail-type"])) return;
          recorder.facts.push(event);
        }
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
        const report = reported(body);
        if (report === undefined) log(() => "the Pipe drops a dead letter that does not say what to report");
        else putLater(report);
      },
      loses: (queue, type) => queue !== "projection-queue" && outages.loses(queue, type),
      log,
    },
    parts,
  );
  const isLimited = scenario.provisioned || scenario.backup["read-units"] !== undefined;
  const lambda = createLambda(
    {
      timeoutMs: scenario.timeoutSeconds * 1000,
      concurrency: scenario.concurrency,
      skewMsMax: isLimited ? LIMITED_SKEW_MS_MAX : SKEW_MS_MAX,
    },
    () => cloud,
    scheduler,
  );
  const operationsOfRun = createOperations(scenario, {
    ...parts,
    faultPhase,
    items,
    bus,
    tables,
    archive,
    otherArchive,
    status,
    log,
    onStarted: outages.begin,
  });
  operations = operationsOfRun;
  const admin = memoryTableAdmin(tables, {
    now: scheduler.now,
    creatingMs: () => rng.between(CREATING_MS_MIN, CREATING_MS_MAX),
    ownerUnseen: () => rng.happens(0.3),
    isPending: () => rng.happens(0.3),
  });
  // The ports on the worker table.
  const { limiter, claims, leases, registry, lastErrors } = memoryPorts();
  const cloud: Cloud = {
    ...parts,
    limiter,
    claims,
    leases,
    registry,
    lastErrors,
    tables: withGrowingSize(tables, scenario, rng),
    admin,
    archive: observedArchive(archive, { recorder, faults, changeLastItem: operationsOfRun.changeLastItem }),
    status: memoryStatus,
    clients: openSharedClients(rng),
    ...(ownTables !== undefined && { ownTables }),
    statements: scenario.data.statements,
    outside: scheduler.outside,
    rows: status.rows,
    bus,
    queues,
    settings: scenario.settings,
    recorder,
    isDenied: outages.isDenied,
    projectorPausedUntilMs: operationsOfRun.actors.projectorPausedUntilMs,
    log,
  };

  monitor = createMonitor(cloud, status.rows, scheduler);

  return {
    scenario,
    scheduler,
    faults,
    faultPhase,
    outages,
    operations: operationsOfRun,
    items,
    fixtures,
    otherArchive,
    archive,
    tables,
    admin,
    status,
    queues,
    recorder,
    finished,
    log,
  };
}

/** A row in a trace. */
function describeRow(row: TaskRow): string {
  const { attempt, completed, total, cancelledAttempt, failedStepAttempt, items } = row;
  const failed = Object.entries(row.failed).map(([segment, inAttempt]) => `${segment}@${inAttempt}`);
  return `${stateOf(row)}: attempt ${attempt}, ${completed.length} of ${total} complete, ${items} items, failed [${failed}], cancelled attempt ${cancelledAttempt}, failed step's attempt ${failedStepAttempt}`;
}
