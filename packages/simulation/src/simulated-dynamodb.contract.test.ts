/**
 * The contract suites over the AWS adapters on the simulated DynamoDB.
 */

import { lastErrorsContract } from "@ferry/contracts/last-errors";
import { rateLimiterContract } from "@ferry/contracts/rate-limiter";
import { sliceClaimsContract } from "@ferry/contracts/slice-claims";
import { statusStoreContract } from "@ferry/contracts/status-store";
import { tableAdminContract } from "@ferry/contracts/table-admin";
import { tableLeasesContract } from "@ferry/contracts/table-leases";
import { type TablesSubject, tablesContract } from "@ferry/contracts/tables";
import { taskRegistryContract } from "@ferry/contracts/task-registry";
import { memoryTableAdmin } from "@ferry/memory/table-admin";
import { memoryTables } from "@ferry/memory/tables";
import { projectorAdapters, workerAdapters } from "./cloud/dynamodb/adapters.ts";
import { openSharedClients } from "./cloud/dynamodb/client.ts";
import { statusTablesOf } from "./cloud/dynamodb/own-status.ts";
import { createOwnTables } from "./cloud/dynamodb/own-tables.ts";
import { createFaults } from "./cloud/faults.ts";
import { createInvocation } from "./cloud/invocation.ts";
import { createScheduler, rngOf } from "./cloud/scheduler.ts";
import { noFaults } from "./scenario/fault-rates.ts";

const REGION = "eu-west-1";
const INVOCATION_MS = 3_600_000;

function simulated({ statements = true } = {}) {
  const scheduler = createScheduler();
  const rng = rngOf(1, 1);
  const tables = memoryTables();
  const admin = memoryTableAdmin(tables, { now: scheduler.now });
  const ownTables = createOwnTables(() => {});
  const invocation = createInvocation(
    {
      name: "test",
      consumer: "backup",
      messages: [],
      work: {},
      timeoutMs: INVOCATION_MS,
      skewMs: 0,
    },
    scheduler,
    () => {},
  );
  return {
    scheduler,
    tables,
    ownTables,
    around: {
      clients: openSharedClients(rng),
      invocation,
      rng,
      tables,
      admin,
      statements,
      ownTables,
      outside: scheduler.outside,
      faults: createFaults({ faultRates: noFaults, faultsMax: 0 }, rng),
      visit: async (_port: string, _method: string, _subject: string, effect: () => Promise<unknown>) =>
        effect(),
    },
  };
}

for (const [host, knows] of [
  ["the SDK on the simulated DynamoDB", { statements: true }],
  ["the SDK on the simulated DynamoDB without PartiQL", { statements: false }],
] as const)
  tablesContract(host, async () => subjectOf(simulated(knows)));

function subjectOf({ tables, around }: ReturnType<typeof simulated>): TablesSubject {
  return {
    tables: workerAdapters("backup", around).tables,
    region: REGION,
    keeps: "bytes",
    async create(name, keys) {
      tables.create({ region: REGION, name }, { keys });
      return { region: REGION, name };
    },
    async recreate(table, keys) {
      tables.drop(table);
      tables.create(table, { keys });
    },
  };
}

statusStoreContract("the SDK on the simulated DynamoDB", async () => {
  const { ownTables, around } = simulated();
  return {
    status: projectorAdapters(around).store,
    record: async (task, segment) =>
      statusTablesOf(ownTables)
        .records(task)
        .find((record) => record.segment === segment),
  };
});

lastErrorsContract("the SDK on the simulated DynamoDB", async () =>
  workerAdapters("backup", simulated().around),
);
rateLimiterContract("the SDK on the simulated DynamoDB", async () =>
  workerAdapters("backup", simulated().around),
);
sliceClaimsContract("the SDK on the simulated DynamoDB", async () =>
  workerAdapters("backup", simulated().around),
);
tableAdminContract("the SDK on the simulated DynamoDB", async () => {
  const { tables, around, scheduler } = simulated();
  return {
    admin: workerAdapters("restore", around).admin,
    tables,
    region: REGION,
    prefix: "",
    pass: async () => {
      scheduler.after(1000, () => {});
      await scheduler.step();
    },
  };
});
tableLeasesContract("the SDK on the simulated DynamoDB", async () =>
  workerAdapters("backup", simulated().around),
);
taskRegistryContract("the SDK on the simulated DynamoDB", async () =>
  workerAdapters("backup", simulated().around),
);
