/**
 * All ports of a worker's step, in memory, for unit tests.
 */
import { createHash } from "node:crypto";
import { pakoCodec } from "@ferry/core/archive/pako-codec";
import { seeded } from "@ferry/core/hash";
import type { Md5, Ports } from "@ferry/core/ports";
import { defaultSettings } from "@ferry/core/settings/settings";
import { type MemoryArchiveStore, memoryArchiveStore } from "./archive-store.ts";
import { type MemoryBus, memoryBus } from "./bus.ts";
import { memoryLastErrors } from "./last-errors.ts";
import { memoryRateLimiter } from "./rate-limiter.ts";
import { memoryRowSearch } from "./row-search.ts";
import { memorySliceClaims } from "./slice-claims.ts";
import { type MemoryStatusStore, memoryStatusStore } from "./status-store.ts";
import { type MemoryTableAdmin, memoryTableAdmin } from "./table-admin.ts";
import { memoryTableLeases } from "./table-leases.ts";
import { type MemoryTables, memoryTables } from "./tables.ts";
import { memoryTaskRegistry } from "./task-registry.ts";
import { type VirtualClock, virtualClock } from "./time.ts";

/** Fifteen minutes: the longest Lambda invocation. */
const INVOCATION_MS = 15 * 60_000;

export interface MemoryPorts extends Ports {
  readonly tables: MemoryTables;
  readonly admin: MemoryTableAdmin;
  readonly archive: MemoryArchiveStore;
  readonly status: MemoryStatusStore;
  readonly bus: MemoryBus;
  /** The clock behind `time`. */
  readonly clock: VirtualClock;
}

/** The MD5 of bytes that come in parts, for `pakoCodec`. */
export function openMd5(): Md5 {
  const hash = createHash("md5");
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("base64") };
}

/** The MD5 of bytes, base64. */
export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

/**
 * New memory ports. `overrides` replaces any of them, for instance by tables with small pages:
 * `memoryPorts({ tables: memoryTables({ pageBytes: 200 }) })`.
 */
export function memoryPorts(overrides: Partial<MemoryPorts> = {}): MemoryPorts {
  const clock = overrides.clock ?? virtualClock();
  const tables = overrides.tables ?? memoryTables();
  const { status = memoryStatusStore() } = overrides;
  return {
    tables,
    admin: memoryTableAdmin(tables, { now: clock.now }),
    archive: memoryArchiveStore(),
    codec: pakoCodec(openMd5),
    status,
    search: memoryRowSearch(() => status.rows()),
    lastErrors: memoryLastErrors(),
    bus: memoryBus(),
    limiter: memoryRateLimiter(),
    claims: memorySliceClaims(),
    leases: memoryTableLeases(),
    registry: memoryTaskRegistry(),
    clock,
    time: clock.invocation(INVOCATION_MS),
    random: seeded(1),
    settings: defaultSettings,
    ...overrides,
  };
}
