import { expect, test } from "vitest";
import { type Check, examineStage } from "./doctor.ts";
import type { Stage } from "./stage.ts";

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: Readonly<Record<string, unknown>>;
}
type Answer = (input: Command["input"]) => object;

const denied = () => {
  throw Object.assign(new Error("User: me is not authorized"), { name: "AccessDeniedException" });
};
const refusal = (ErrorCode: string) => ({
  FailedEntryCount: 1,
  Entries: [{ ErrorCode, ErrorMessage: "no" }],
});
const accepted = { FailedEntryCount: 0, Entries: [{ EventId: "e" }] };

/** The checks of a stage on AWS whose services answer by `answers`, and the entries that were put. */
async function checksOf(answers: Readonly<Record<string, Answer>> = {}, describe?: () => never) {
  const entries: { DetailType: string; Detail: string }[] = [];
  const usual: Readonly<Record<string, Answer>> = {
    DescribeEventBus: () => ({}),
    DescribePipe: () => ({ CurrentState: "RUNNING" }),
    PutEvents: () => accepted,
    GetAccountSettings: () => ({
      AccountLimit: { ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: 900 },
    }),
    DescribeLimits: () => ({ TableMaxReadCapacityUnits: 40_000, TableMaxWriteCapacityUnits: 30_000 }),
  };
  const send = async (sending: unknown) => {
    const command = sending as Command;
    const name = command.constructor.name.replace(/Command$/, "");
    if (name === "PutEvents") entries.push(...(command.input["Entries"] as typeof entries));
    return (answers[name] ?? usual[name]!)(command.input);
  };
  const client = { send, config: { credentials: async () => ({ accessKeyId: "AKIA" }) } };
  const stage = {
    name: "beta",
    region: "eu-west-1",
    bus: "ferry-beta",
    table: (table: string) => `ferry-beta-${table}`,
    access: {
      events: () => client,
      pipes: () => client,
      dynamodb: () => client,
      client: () => client,
      describe: async () => describe?.() ?? { status: "ACTIVE" },
    },
  } as unknown as Stage;
  const checks = new Map<string, Check>();
  for await (const check of examineStage(stage)) checks.set(check.name, check);
  return { checks, entries };
}

test("given a stage that is all right, each check is ok, and one event that no rule matches is put", async () => {
  const { checks, entries } = await checksOf();
  expect([...checks.values()].filter(({ state }) => state !== "ok")).toEqual([]);
  expect(checks.get("PutEvents")!.detail).toBe("you may put events on ferry-beta");
  expect(checks.get("Lambda's quota")!.detail).toBe(
    "1000 concurrent executions in eu-west-1, 900 of them not reserved",
  );
  expect(checks.get("DynamoDB's quota")!.detail).toBe(
    "a table in eu-west-1 may consume 40000 read and 30000 write units a second",
  );
  expect(entries).toMatchObject([{ DetailType: "FerryProbe", Detail: "{}" }]);
});

test.each<[string, Answer]>([
  ["the call", denied],
  ["the entry", () => refusal("NotAuthorizedForDetailTypeException")],
])("given a role that may put requests alone, and AWS denies %s, PutEvents is ok", async (_, deny) => {
  const { checks, entries } = await checksOf({
    PutEvents(input) {
      const [{ DetailType }] = input["Entries"] as [{ DetailType: string }];
      return DetailType === "TaskRequested" ? refusal("MalformedDetail") : deny(input);
    },
  });
  expect(checks.get("PutEvents")).toMatchObject({
    state: "ok",
    detail: expect.stringContaining("you may put requests"),
  });
  // No request that is put here can become a task.
  const request = entries.find(({ DetailType }) => DetailType === "TaskRequested")!;
  expect(() => JSON.parse(request.Detail)).toThrow();
});

test.each<[string, Answer]>([
  ["the call", denied],
  ["the entry", () => refusal("AccessDeniedException")],
])(
  "given a role that may put nothing, and AWS denies %s, PutEvents fails and says what to do",
  async (_, PutEvents) => {
    const { checks } = await checksOf({ PutEvents });
    expect(checks.get("PutEvents")).toEqual({
      name: "PutEvents",
      state: "failed",
      detail: "You may not put requests on the bus ferry-beta.",
      hint: "Attach the policy ferry-beta-callers to your role.",
      code: "access-denied",
    });
  },
);

test("given another refusal, PutEvents fails with the bus's answer", async () => {
  const { checks } = await checksOf({ PutEvents: () => refusal("InternalFailure") });
  expect(checks.get("PutEvents")).toMatchObject({
    state: "failed",
    detail: "The bus answered InternalFailure.",
  });
});

test("given a quota below what Ferry's functions may use, it is a warning that says what to do", async () => {
  const { checks } = await checksOf({
    GetAccountSettings: () => ({
      AccountLimit: { ConcurrentExecutions: 10, UnreservedConcurrentExecutions: 10 },
    }),
  });
  expect(checks.get("Lambda's quota")).toMatchObject({
    state: "warning",
    detail: expect.stringMatching(/^10 concurrent .* up to 102/),
    hint: expect.stringContaining("Ask for a higher quota"),
  });
});

test("what the role may not read is skipped, and named", async () => {
  const { checks } = await checksOf({
    GetAccountSettings: denied,
    DescribeLimits: denied,
    DescribePipe: denied,
    DescribeEventBus: denied,
  });
  const skipped = [...checks.values()].filter(({ state }) => state === "skipped");
  expect(skipped).toHaveLength(7);
  for (const [name, operation] of [
    ["Lambda's quota", "GetAccountSettings"],
    ["DynamoDB's quota", "DescribeLimits"],
    ["Pipe requests", "DescribePipe"],
    ["bus", "DescribeEventBus"],
  ] as const)
    expect(checks.get(name)!.detail).toContain(operation);
  expect([...checks.values()].some(({ state }) => state === "failed")).toBe(false);
});

test("given a quota that cannot be read for another reason, the check fails", async () => {
  const { checks } = await checksOf({
    DescribeLimits: () => {
      throw Object.assign(new Error("oh"), { name: "InternalServerError" });
    },
  });
  expect(checks.get("DynamoDB's quota")!.state).toBe("failed");
});

test("given credentials that expired, the failure is there once, and the other checks are skipped", async () => {
  const { checks, entries } = await checksOf({}, () => {
    throw Object.assign(new Error("expired"), { name: "ExpiredTokenException" });
  });
  expect([...checks.values()].map(({ name, state, code }) => [name, state, code])).toEqual([
    ["stage", "ok", undefined],
    ["credentials", "ok", undefined],
    ["backup-table", "failed", "credentials-expired"],
    ["other checks", "skipped", undefined],
  ]);
  expect(entries).toEqual([]);
});

test("given a table that may not be read, the other checks are made", async () => {
  const { checks } = await checksOf({}, denied);
  expect(checks.get("backup-table")).toMatchObject({ state: "failed" });
  expect(checks.get("PutEvents")).toMatchObject({ state: "ok" });
});
