/** Alterations of a valid graph. Each must violate one invariant, which shows that the invariants can fail. */
import type { Graph, Resource } from "../synth/graph.ts";

type Alter = (graph: AlterableGraph) => void;

/** An alteration of another graph than production's. */
interface OnGraph {
  readonly graph: "dev" | "every-setting" | "minimal";
  readonly alter: Alter;
}

type AlterableResource = { -readonly [Field in keyof Resource]: Resource[Field] };

/** A copy of a graph. */
type AlterableGraph = Omit<Graph, "resources" | "dev" | "app"> & {
  resources: AlterableResource[];
  dev: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: the fields of Graph's app, which are read-only there.
  app: any;
};

/** One resource, given the end of its type's name and its logical name. */
function resource(graph: AlterableGraph, type: string, name: string): AlterableResource {
  const found = graph.resources.find((one) => one.type.endsWith(`:${type}`) && one.name === name);
  if (found === undefined) throw new Error(`the graph has no ${type} ${name}`);
  return found;
}

/** The inputs of one resource. */
const inputs = (graph: AlterableGraph, type: string, name: string): Resource["inputs"] =>
  resource(graph, type, name).inputs;

/** Alters the statement with this action in a policy's JSON. */
function alterStatement(policy: string, action: string, alter: (statement: Statement) => void): string {
  const document = JSON.parse(policy);
  alter(document.Statement.find((one: Statement) => one.Action.includes(action)));
  return JSON.stringify(document);
}
interface Statement {
  Action: string[];
  Resource: string[];
  Condition?: Record<string, Record<string, string[]>>;
  Principal?: Record<string, string[]>;
}

/** Alters one statement of a function's role. */
const inRole =
  (role: string, action: string, alter: (statement: Statement) => void): Alter =>
  (graph) => {
    const [policy] = inputs(graph, "Role", role).inlinePolicies;
    policy.policy = alterStatement(policy.policy, action, alter);
  };

/** Alters one statement of a policy. */
const inPolicy =
  (type: string, name: string, action: string, alter: (statement: Statement) => void): Alter =>
  (graph) => {
    const found = inputs(graph, type, name);
    found.policy = alterStatement(found.policy, action, alter);
  };

/** Sets inputs of one resource. */
const set =
  (type: string, name: string, fields: object): Alter =>
  (graph) =>
    void Object.assign(inputs(graph, type, name), fields);

/** Sets fields of one resource that are not its inputs. */
const setOutside =
  (type: string, name: string, fields: Partial<Resource>): Alter =>
  (graph) =>
    void Object.assign(resource(graph, type, name), fields);

/** Removes one resource. */
const without =
  (type: string, name: string): Alter =>
  (graph) => {
    const removed = resource(graph, type, name);
    graph.resources = graph.resources.filter((one) => one !== removed);
  };

const on = (graph: OnGraph["graph"], alter: Alter): OnGraph => ({ graph, alter });

/** By the invariant that they must violate. */
const byInvariant: Readonly<Record<string, Readonly<Record<string, Alter | OnGraph>>>> = {
  "no-wildcards": {
    "a wildcard action": inRole("BackupWorkerRole", "dynamodb:Scan", (one) => one.Action.push("dynamodb:*")),
    "a wildcard resource": inRole("RestoreWorkerRole", "s3:ListBucket", (one) => one.Resource.push("*")),
  },
  "statements-name-resources": {
    "a statement for an empty list of the settings": inRole("RestoreWorkerRole", "s3:ListBucket", (one) => {
      one.Resource = [];
    }),
  },
  "only-listed-tables-are-created": {
    "a restore role that may create a table without `create`": inRole(
      "RestoreWorkerRole",
      "dynamodb:BatchWriteItem",
      (one) => one.Action.push("dynamodb:CreateTable"),
    ),
    "a restore role that may change the settings of all of its tables": on(
      "every-setting",
      inRole("RestoreWorkerRole", "dynamodb:BatchWriteItem", (one) =>
        one.Action.push("dynamodb:UpdateTable"),
      ),
    ),
  },
  "backup-only-creates": {
    "a backup role that may overwrite objects": inRole(
      "BackupWorkerRole",
      "s3:PutObject",
      (one) => delete one.Condition,
    ),
    "a backup role that may delete objects": inRole("BackupWorkerRole", "s3:PutObject", (one) =>
      one.Action.push("s3:DeleteObject"),
    ),
    "a backup role that may write to the tables that it reads": inRole(
      "BackupWorkerRole",
      "dynamodb:Scan",
      (one) => one.Action.push("dynamodb:UpdateItem"),
    ),
  },
  "only-ferry-puts-facts": {
    "a worker that may put events with any source": inRole(
      "RestoreWorkerRole",
      "events:PutEvents",
      (one) => delete one.Condition,
    ),
    "callers that may put facts": inPolicy("Policy", "Callers", "events:PutEvents", (one) =>
      one.Condition!["StringEquals"]!["events:detail-type"]!.push("SegmentCompleted"),
    ),
    "a worker that may put another type of event": inRole("BackupWorkerRole", "events:PutEvents", (one) =>
      one.Condition!["StringEquals"]!["events:detail-type"]!.push("TaskSucceeded"),
    ),
    "a Pipe that may put every type of event": inRole("ReportFailuresPipeRole", "events:PutEvents", (one) => {
      delete one.Condition!["StringEquals"]!["events:detail-type"];
    }),
    "a bus that lets administrators put facts": without("EventBusPolicy", "BusPolicy"),
    "a bus that denies facts to a worker": inPolicy(
      "EventBusPolicy",
      "BusPolicy",
      "events:PutEvents",
      (one) => {
        one.Condition!["ArnNotEquals"]!["aws:PrincipalArn"]!.shift();
      },
    ),
  },
  "principals-are-bound": {
    "a queue that admits the rules of any account": inPolicy(
      "QueuePolicy",
      "BackupQueuePolicy",
      "sqs:SendMessage",
      (one) => {
        delete one.Condition!["StringEquals"];
      },
    ),
    "a request queue that admits every account": on(
      "every-setting",
      inPolicy("QueuePolicy", "RequestQueuePolicy", "sqs:SendMessage", (one) => {
        one.Principal = { AWS: ["*"] };
      }),
    ),
  },
  "facts-need-their-source": {
    "a rule that matches facts from any source": set("EventRule", "BackupAcceptedRule", {
      eventPattern: JSON.stringify({ "detail-type": ["TaskAccepted"] }),
    }),
  },
  "work-has-fails-as": {
    "a route to a worker without failsAs": set("EventTarget", "BackupSegmentQueuedTarget", {
      inputTransformer: { inputTemplate: '{"event":<aws.events.event.json>}' },
    }),
  },
  "partial-responses": {
    "a mapping without partial responses": set("EventSourceMapping", "ProjectionWorkerMapping", {
      functionResponseTypes: [],
    }),
  },
  "everything-has-dead-letters": {
    "a target without dead letters": set("EventTarget", "FactsTarget", { deadLetterConfig: undefined }),
    "a target that never retries": set("EventTarget", "FactsTarget", {
      retryPolicy: { maximumRetryAttempts: 0 },
    }),
    "a Pipe that retries a record without a limit": (graph) => {
      const { sourceParameters } = inputs(graph, "Pipe", "AnnounceBackupsPipe");
      delete sourceParameters.dynamodbStreamParameters.maximumRetryAttempts;
    },
    "a worker's queue without dead letters": set("Queue", "RestoreQueue", { redrivePolicy: undefined }),
  },
  "visibility-covers-the-timeout": {
    "a visibility timeout below the function's timeout": set("Queue", "BackupQueue", {
      visibilityTimeoutSeconds: 300,
    }),
    "in dev, a visibility timeout below the function's timeout": on(
      "dev",
      set("Queue", "BackupQueue", { visibilityTimeoutSeconds: 300 }),
    ),
  },
  "dead-letters-outlive-their-source": {
    "dead letters that expire with their source": set("Queue", "RedriveQueue", {
      messageRetentionSeconds: 4 * 24 * 3_600,
    }),
  },
  "aws-accepts-everything": {
    "an alarm that evaluates more than a day": set("MetricAlarm", "StalledTasksAlarm", {
      evaluationPeriods: 97,
    }),
    "a role's name of 65 characters": set("Role", "SchedulesRole", {
      name: `ferry-production-${"x".repeat(48)}`,
    }),
    "a Pipe's template that is too long": (graph) => {
      inputs(graph, "Pipe", "AnnounceBackupsPipe").targetParameters.inputTemplate = "x".repeat(8_193);
    },
    "a role's policy that is too long": inRole("RestoreWorkerRole", "dynamodb:Scan", (one) => {
      one.Resource = Array.from({ length: 200 }, (_, at) => `${one.Resource[0]}-${at}`);
    }),
    "a queue's policy with more conditions than SQS accepts": inPolicy(
      "QueuePolicy",
      "UndeliveredQueuePolicy",
      "sqs:SendMessage",
      (one) => {
        one.Condition!["ArnLike"] = { "aws:SourceArn": Array.from({ length: 16 }, (_, at) => `arn-${at}`) };
      },
    ),
    "a dashboard with an empty graph": (graph) => {
      const dashboard = inputs(graph, "Dashboard", "Dashboard");
      const body = JSON.parse(dashboard.dashboardBody);
      body.widgets[2].properties.metrics = [];
      dashboard.dashboardBody = JSON.stringify(body);
    },
  },
  "physical-names-are-stable": {
    "a function with a random name": set("Function", "BackupWorkerFunction", {
      name: "ferry-production-BackupWorkerFunction-bcdefghk",
    }),
  },
  "every-queue-and-pipe-has-an-alarm": {
    "a queue without its alarm": without("MetricAlarm", "UndeliveredQueueAlarm"),
    "a Pipe's alarm on another metric": (graph) => {
      const { metricQueries } = inputs(graph, "MetricAlarm", "RequestsPipeAlarm");
      metricQueries[1].metric.metricName = "Invocations";
    },
    "in the profile minimal, a queue of dead letters without its alarm": on(
      "minimal",
      without("MetricAlarm", "RedriveDeadLettersAlarm"),
    ),
  },
  "alarms-are-explained": {
    "an alarm that docs/operations.md does not explain": set("MetricAlarm", "FailedTasksAlarm", {
      name: "ferry-production-tasks-failed",
    }),
    "a chapter of docs/operations.md without an alarm": without("MetricAlarm", "StalledTasksAlarm"),
  },
  "only-dev-stages-are-quiet": {
    "an alarm without an action": set("MetricAlarm", "StalledTasksAlarm", { alarmActions: [] }),
    "an alarm of a developer's stage with actions enabled": on(
      "dev",
      set("MetricAlarm", "StalledTasksAlarm", { actionsEnabled: true }),
    ),
    "an enabled schedule of a developer's stage": on(
      "dev",
      set("Schedule", "MonitorSchedule", { state: "ENABLED" }),
    ),
  },
  "protected-stages-keep-their-tables": {
    "a status table that is deleted with the stack": setOutside("Table", "BackupStatusTable", {
      retainOnDelete: false,
    }),
    "a status table without deletion protection": set("Table", "SegmentStatusTable", {
      deletionProtectionEnabled: false,
    }),
    "a worker table that is kept when the stage is removed": setOutside("Table", "WorkerTable", {
      retainOnDelete: true,
    }),
  },
  "protected-stages-are-never-dev": {
    "a protected stage in sst dev": (graph) => {
      graph.dev = true;
    },
  },
  "stages-are-pinned": {
    "a provider that accepts every account": (graph) => {
      graph.app.providers.aws.allowedAccountIds = [];
    },
    "a provider of another region": (graph) => {
      graph.app.providers.aws.region = "eu-west-1";
    },
  },
  "protected-stages-have-a-reader": {
    "a topic without the subscription of the settings": on(
      "every-setting",
      without("TopicSubscription", "AlarmEmail"),
    ),
  },
  "queues-take-no-others-dead-letters": {
    "a queue that takes dead letters of every queue": set("Queue", "RedriveQueue", {
      redriveAllowPolicy: undefined,
    }),
    "a worker's queue that takes the dead letters of a queue": set("Queue", "BackupQueue", {
      redriveAllowPolicy: JSON.stringify({
        redrivePermission: "byQueue",
        sourceQueueArns: ["arn:aws:sqs:::other"],
      }),
    }),
  },
  "pipes-come-last": {
    "a Pipe that may be created before its role": setOutside("Pipe", "AnnounceBackupsPipe", {
      dependsOn: [],
    }),
  },
  "delivery-failures-have-alarms": {
    "a bus without the alarm for lost events": without("MetricAlarm", "LostEventsAlarm"),
    "an alarm for the failed deliveries of another bus": (graph) => {
      const [query] = inputs(graph, "MetricAlarm", "FailedDeliveriesAlarm").metricQueries;
      query.expression = query.expression.replace("ferry-production", "default");
    },
    "schedules without the alarm for dropped requests": without("MetricAlarm", "DroppedSchedulesAlarm"),
  },
  "missing-backups-are-noticed": {
    "a schedule without the alarm for overdue backups": without("MetricAlarm", "BackupOverdueAlarm-nightly"),
    "an alarm for overdue backups that needs data to start": set(
      "MetricAlarm",
      "BackupOverdueAlarm-nightly",
      { treatMissingData: "notBreaching" },
    ),
  },
  "logical-names-are-known": {
    "a renamed resource": setOutside("Table", "SegmentStatusTable", { name: "SegmentsTable" }),
  },
};

/** Each alteration, with the name of its graph. */
export const alterations = Object.entries(byInvariant).flatMap(([violates, all]) =>
  Object.entries(all).map(([name, one]) => ({
    name,
    violates,
    ...(typeof one === "function" ? { graph: "production", alter: one } : one),
  })),
);
