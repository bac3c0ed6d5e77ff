import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { backupPlanSchema, keyNamesSchema, planSchema, restorePlanSchema } from "./plan-schema.ts";

const task = {
  id: "k@1",
  action: "backup",
  key: "k",
  timestamp: 1,
  "request-id": "r",
};
const addresses = {
  "table-region": "us-east-1",
  "table-name": "orders",
  "bucket-region": "eu-west-1",
  "bucket-name": "archives",
  "bucket-prefix": "p",
};
const fingerprint = { md5: "m", etag: "e" };

/** A plan with every optional field. */
const backupPlan = {
  request: { action: "backup", ...addresses },
  task,
  "total-segments": 2,
  "batch-bytes": 33_554_432,
  "compression-level": 6,
  "read-units": 0.5,
  "item-bytes": 100,
  table: { arn: "arn:aws:dynamodb:us-east-1:123456789012:table/orders", id: "i", keys: ["pk", "sk"] },
  started: "2026-11-23T02:00:00.000Z",
};
const restorePlan = {
  request: { action: "restore", ...addresses },
  task: { ...task, action: "restore" },
  "total-segments": 2,
  "write-units": 0.5,
  "items-before": "none",
  "count-units": 0.5,
  "units-per-write": 2,
  table: { ...backupPlan.table, "key-types": ["S", "N"] },
  manifest: {
    own: true,
    location: { prefix: "p", writtenFor: "p", keys: "own", shared: false },
    items: 3,
    files: 2,
    bytes: 1000,
    objects: { summary: fingerprint, files: fingerprint, task: fingerprint },
    list: { ...fingerprint, bytes: 500 },
    lines: "items",
    window: { from: "2026-11-22T00:00:00Z", to: "2026-11-23T00:00:00Z" },
  },
};

const OPTIONAL = {
  backup: ["read-units", "item-bytes", "table.id"],
  restore: [
    ...["write-units", "items-before", "count-units", "units-per-write", "table.id", "manifest.bytes"],
    ...["manifest.objects.files", "manifest.objects.task", "manifest.list"],
    ...["manifest.window", "manifest.window.from"],
  ],
};

/** The paths of all fields of `value`; `request` and `task` have tests of their own. */
function pathsOf(value: object, prefix = ""): string[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = `${prefix}${name}`;
    const isLeaf = typeof inner !== "object" || Array.isArray(inner) || ["request", "task"].includes(path);
    return isLeaf ? [path] : [path, ...pathsOf(inner, `${path}.`)];
  });
}

/** A copy of `value` in which the field at `path` is `replacement`, or is absent. */
function withField(value: object, path: string, replacement?: unknown): object {
  const [name, ...rest] = path.split(".") as [string, ...string[]];
  const { [name]: inner, ...others } = value as Record<string, unknown>;
  if (rest.length > 0) return { ...others, [name]: withField(inner as object, rest.join("."), replacement) };
  return replacement === undefined ? others : { ...others, [name]: replacement };
}

const schemas = { backup: backupPlanSchema, restore: restorePlanSchema };
describe.each([
  ["backup", backupPlan],
  ["restore", restorePlan],
] as const)("the plan of a %s", (action, plan) => {
  const isValid = (value: unknown) => v.safeParse(schemas[action], value).success;

  test("with every field is read as it is, and unknown fields are dropped", () => {
    expect(v.parse(schemas[action], { ...plan, unknown: 1 })).toEqual(plan);
    expect(v.parse(planSchema, plan)).toEqual(plan);
  });

  test.each(pathsOf(plan))("without %s is valid only if that is optional", (path) => {
    expect(isValid(withField(plan, path))).toBe(OPTIONAL[action].includes(path));
  });

  test.each(pathsOf(plan))("with null for %s is not valid", (path) => {
    expect(isValid(withField(plan, path, null))).toBe(false);
  });

  test.each([-1, 1.5, "1"])("with %j for a count is not valid", (wrong) => {
    const counts = {
      backup: ["total-segments", "batch-bytes", "compression-level", "item-bytes"],
      restore: [
        "total-segments",
        "manifest.items",
        "manifest.files",
        "manifest.bytes",
        "manifest.list.bytes",
      ],
    };
    for (const path of counts[action])
      expect([path, isValid(withField(plan, path, wrong))]).toEqual([path, false]);
  });

  test("with the request of the other action is not valid", () => {
    const other = action === "backup" ? restorePlan : backupPlan;
    expect(isValid({ ...plan, request: other.request })).toBe(false);
  });

  test("may have as many segments as the limit, whatever the stage's own", () => {
    expect(isValid(withField(plan, "request.total-segments", 999))).toBe(true);
    expect(isValid(withField(plan, "request.total-segments", 1_000_000))).toBe(false);
  });
});

test.each([
  ["items-before", ["none", "some"]],
  ["manifest.lines", ["items", "changes"]],
])("%s of a restore's plan is one of %j", (path, values) => {
  const isValid = (value: string) =>
    v.safeParse(restorePlanSchema, withField(restorePlan, path, value)).success;
  for (const value of values) expect(isValid(value)).toBe(true);
  expect(isValid("")).toBe(false);
  expect(isValid("other")).toBe(false);
});

test.each([
  [["pk"], true],
  [["pk", "sk"], true],
  [[], false],
  [["pk", "sk", "x"], false],
  [["pk", 1], false],
  [[1], false],
  ["pk", false],
])("given %j as the names of the key attributes: %s", (names, expected) => {
  expect(v.safeParse(keyNamesSchema, names).success).toBe(expected);
});

test("an issue of a plan names the field of its own action's schema", () => {
  const paths = (plan: object) =>
    v.safeParse(planSchema, plan).issues?.map((issue) => v.getDotPath(issue as v.BaseIssue<unknown>));
  expect(paths(withField(backupPlan, "batch-bytes"))).toEqual(["batch-bytes"]);
  expect(paths(withField(restorePlan, "manifest.own"))).toEqual(["manifest.own"]);
});
