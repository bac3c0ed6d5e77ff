/**
 * The contract suites of the hosts in memory.
 */
import { pakoCodec } from "@ferry/core/archive/pako-codec";
import { seeded } from "@ferry/core/hash";
import { memoryArchiveStore } from "@ferry/memory/archive-store";
import { memoryBus } from "@ferry/memory/bus";
import { memoryLastErrors } from "@ferry/memory/last-errors";
import { openMd5 } from "@ferry/memory/ports";
import { memoryRateLimiter } from "@ferry/memory/rate-limiter";
import { memoryRowSearch } from "@ferry/memory/row-search";
import { memorySliceClaims } from "@ferry/memory/slice-claims";
import { memoryStatusStore } from "@ferry/memory/status-store";
import { memoryTableAdmin } from "@ferry/memory/table-admin";
import { memoryTableLeases } from "@ferry/memory/table-leases";
import { type MemoryTablesOptions, memoryTables } from "@ferry/memory/tables";
import { memoryTaskRegistry } from "@ferry/memory/task-registry";
import { virtualClock } from "@ferry/memory/time";
import { archiveStoreContract } from "./archive-store.ts";
import { busContract } from "./bus.ts";
import { codecContract } from "./codec.ts";
import { lastErrorsContract } from "./last-errors.ts";
import { rateLimiterContract } from "./rate-limiter.ts";
import { rowSearchContract } from "./row-search.ts";
import { sliceClaimsContract } from "./slice-claims.ts";
import { statusStoreContract } from "./status-store.ts";
import { tableAdminContract } from "./table-admin.ts";
import { tableLeasesContract } from "./table-leases.ts";
import { type TablesSubject, tablesContract } from "./tables.ts";
import { taskRegistryContract } from "./task-registry.ts";

const REGION = "eu-west-1";

const tablesSubject = (options: MemoryTablesOptions) => async (): Promise<TablesSubject> => {
  const tables = memoryTables(options);
  return {
    tables,
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
};

tablesContract("memory", tablesSubject({}));
tablesContract("memory whose bodies vary in order and white space", tablesSubject({ layout: seeded(7) }));

archiveStoreContract("memory", async () => {
  const archive = memoryArchiveStore();
  const bucket = { region: REGION, name: "archive" };
  const owner = "123456789012";
  archive.createBucket({ ...bucket, owner });
  return { archive, bucket, owner };
});

statusStoreContract("memory", async () => {
  const status = memoryStatusStore();
  return {
    status,
    record: async (task, segment) => status.records(task).find((record) => record.segment === segment),
  };
});

rowSearchContract("memory", async () => {
  const status = memoryStatusStore();
  return { status, search: memoryRowSearch(status.rows) };
});

lastErrorsContract("memory", async () => ({ lastErrors: memoryLastErrors() }));
rateLimiterContract("memory", async () => ({ limiter: memoryRateLimiter() }));
tableAdminContract("memory", async () => {
  const tables = memoryTables();
  const clock = virtualClock({ scheduled: true });
  return {
    admin: memoryTableAdmin(tables, { now: clock.now }),
    tables,
    region: REGION,
    prefix: "",
    pass: async () => clock.advance(1000),
  };
});
tableLeasesContract("memory", async () => ({ leases: memoryTableLeases() }));
sliceClaimsContract("memory", async () => ({ claims: memorySliceClaims() }));
taskRegistryContract("memory", async () => ({ registry: memoryTaskRegistry() }));

codecContract("pako", () => pakoCodec(openMd5));

busContract("memory", async () => {
  let refusals = 0;
  const bus = memoryBus({ refuse: () => refusals-- > 0 });
  return {
    bus,
    taken: () => bus.events,
    forget: () => bus.events.splice(0),
    refuseNext: (entries) => {
      refusals = entries;
    },
  };
});
