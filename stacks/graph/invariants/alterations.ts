/** Alterations of a valid graph. Each must violate one invariant, which shows that the invariants can fail. */
import type { Graph, Resource } from "../synth/graph.ts";

export interface Alteration {
  readonly name: string;
  /** The invariant that the alteration must violate. */
  readonly violates: string;
  /** The graph to alter; production if absent. */
  readonly graph?: "production" | "dev" | "every-setting" | "minimal";
  readonly alter: (graph: AlterableGraph) => void;
}

/** A copy of a graph. */
type AlterableGraph = Omit<Graph, "resources" | "dev" | "app"> & {
  resources: Resource[];
  dev: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: the fields of Graph's app, which are read-only there.
  app: any;
};

/** The inputs of one resource, given the end of its type's name and its logical name. */
function inputs(graph: AlterableGraph, type: string, name: string): Resource["inputs"] {
  const found = graph.resources.find((one) => one.type.endsWith(`:${type}`) && one.name === name);
  if (found === undefined) throw new Error(`the graph has no ${type} ${name}`);
  return found.inputs;
}

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
  (role: string, action: string, alter: (statement: Statement) => void) => (graph: AlterableGraph) => {
    const [policy] = inputs(graph, "Role", role).inlinePolicies;
    policy.policy = alterStatement(policy.policy, action, alter);
  };

/** Alters one statement of a policy. */
const inPolicy =
  (type: string, name: string, action: string, alter: (statement: Statement) => void) =>
  (graph: AlterableGraph) => {
    const found = inputs(graph, type, name);
    found.policy = alterStatement(found.policy, action, alter);
  };

/** Sets fields of one resource. */
const set = (type: string, name: string, fields: object) => (graph: AlterableGraph) => {
  Object.assign(inputs(graph, type, name), fields);
};

/** Removes one resource. */
const without = (type: string, name: string) => (graph: AlterableGraph) => {
  inputs(graph, type, name);
  graph.resources = graph.resources.filter((one) => !(one.type.endsWith(`:${type}`) && one.name === name));
};

export const alterations: readonly Alteration[] = [
  {
    name: "a wildcard action",
    violates: "no-wildcards",
    alter: inRole("BackupWorkerRole", "dynamodb:Scan", (one) => one.Action.push("dynamodb:*")),
  },
  {
    name: "a wildcard resource",
    violates: "no-wildcards",
    alter: inRole("RestoreWorkerRole", "s3:ListBucket", (one) => one.Resource.push("*")),
  },
  {
    name: "a statement for an empty list of the settings",
    violates: "statements-name-resources",
    alter: inRole("RestoreWorkerRole", "s3:ListBucket", (one) => {
      one.Resource = [];
    }),
  },
  {
    name: "a restore role that may create a table without `create`",
    violates: "only-listed-tables-are-created",
    alter: inRole("RestoreWorkerRole", "dynamodb:BatchWriteItem", (one) =>
      one.Action.push("dynamodb:CreateTable"),
    ),
  },
  {
    name: "a restore role that may change the settings of all of its tables",
    violates: "only-listed-tables-are-created",
    graph: "every-setting",
    alter: inRole("RestoreWorkerRole", "dynamodb:BatchWriteItem", (one) =>
      one.Action.push("dynamodb:UpdateTable"),
    ),
  },
  {
    name: "a backup role that may overwrite objects",
    violates: "backup-only-creates",
    alter: inRole("BackupWorkerRole", "s3:PutObject", (one) => delete one.Condition),
  },
  {
    name: "a backup role that may delete objects",
    violates: "backup-only-creates",
    alter: inRole("BackupWorkerRole", "s3:PutObject", (one) => one.Action.push("s3:DeleteObject")),
  },
  {
    name: "a backup role that may write to the tables that it reads",
    violates: "backup-only-creates",
    alter: inRole("BackupWorkerRole", "dynamodb:Scan", (one) => one.Action.push("dynamodb:UpdateItem")),
  },
  {
    name: "a worker that may put events with any source",
    violates: "only-ferry-puts-facts",
    alter: inRole("RestoreWorkerRole", "events:PutEvents", (one) => delete one.Condition),
  },
  {
    name: "callers that may put facts",
    violates: "only-ferry-puts-facts",
    alter: inPolicy("Policy", "Callers", "events:PutEvents", (one) =>
      one.Condition!["StringEquals"]!["events:detail-type"]!.push("SegmentCompleted"),
    ),
  },
  {
    name: "a queue that admits the rules of any account",
    violates: "principals-are-bound",
    alter: inPolicy("QueuePolicy", "BackupQueuePolicy", "sqs:SendMessage", (one) => {
      delete one.Condition!["StringEquals"];
    }),
  },
  {
    name: "a request queue that admits every account",
    violates: "principals-are-bound",
    graph: "every-setting",
    alter: inPolicy("QueuePolicy", "RequestQueuePolicy", "sqs:SendMessage", (one) => {
      one.Principal = { AWS: ["*"] };
    }),
  },
  {
    name: "a rule that matches facts from any source",
    violates: "facts-need-their-source",
    alter: set("EventRule", "BackupAcceptedRule", {
      eventPattern: JSON.stringify({ "detail-type": ["TaskAccepted"] }),
    }),
  },
  {
    name: "a route to a worker without failsAs",
    violates: "work-has-fails-as",
    alter: set("EventTarget", "BackupSegmentQueuedTarget", {
      inputTransformer: { inputTemplate: '{"event":<aws.events.event.json>}' },
    }),
  },
  {
    name: "a mapping without partial responses",
    violates: "partial-responses",
    alter: set("EventSourceMapping", "ProjectionWorkerMapping", { functionResponseTypes: [] }),
  },
  {
    name: "a target without dead letters",
    violates: "everything-has-dead-letters",
    alter: set("EventTarget", "FactsTarget", { deadLetterConfig: undefined }),
  },
  {
    name: "a target that never retries",
    violates: "everything-has-dead-letters",
    alter: set("EventTarget", "FactsTarget", { retryPolicy: { maximumRetryAttempts: 0 } }),
  },
  {
    name: "a Pipe that retries a record without a limit",
    violates: "everything-has-dead-letters",
    alter: (graph) => {
      const { sourceParameters } = inputs(graph, "Pipe", "AnnounceBackupsPipe");
      delete sourceParameters.dynamodbStreamParameters.maximumRetryAttempts;
    },
  },
  {
    name: "a worker's queue without dead letters",
    violates: "everything-has-dead-letters",
    alter: set("Queue", "RestoreQueue", { redrivePolicy: undefined }),
  },
  {
    name: "a visibility timeout below the function's timeout",
    violates: "visibility-covers-the-timeout",
    alter: set("Queue", "BackupQueue", { visibilityTimeoutSeconds: 300 }),
  },
  {
    name: "in dev, a visibility timeout below the function's timeout",
    violates: "visibility-covers-the-timeout",
    graph: "dev",
    alter: set("Queue", "BackupQueue", { visibilityTimeoutSeconds: 300 }),
  },
  {
    name: "dead letters that expire with their source",
    violates: "dead-letters-outlive-their-source",
    alter: set("Queue", "RedriveQueue", { messageRetentionSeconds: 4 * 24 * 3_600 }),
  },
  {
    name: "an alarm that evaluates more than a day",
    violates: "aws-accepts-everything",
    alter: set("MetricAlarm", "StalledTasksAlarm", { evaluationPeriods: 97 }),
  },
  {
    name: "a role's name of 65 characters",
    violates: "aws-accepts-everything",
    alter: set("Role", "SchedulesRole", { name: `ferry-production-${"x".repeat(48)}` }),
  },
  {
    name: "a Pipe's template that is too long",
    violates: "aws-accepts-everything",
    alter: (graph) => {
      inputs(graph, "Pipe", "AnnounceBackupsPipe").targetParameters.inputTemplate = "x".repeat(8_193);
    },
  },
  {
    name: "a role's policy that is too long",
    violates: "aws-accepts-everything",
    alter: inRole("RestoreWorkerRole", "dynamodb:Scan", (one) => {
      one.Resource = Array.from({ length: 200 }, (_, at) => `${one.Resource[0]}-${at}`);
    }),
  },
  {
    name: "a queue's policy with more conditions than SQS accepts",
    violates: "aws-accepts-everything",
    alter: inPolicy("QueuePolicy", "UndeliveredQueuePolicy", "sqs:SendMessage", (one) => {
      one.Condition!["ArnLike"] = { "aws:SourceArn": Array.from({ length: 16 }, (_, at) => `arn-${at}`) };
    }),
  },
  {
    name: "a dashboard with an empty graph",
    violates: "aws-accepts-everything",
    alter: (graph) => {
      const dashboard = inputs(graph, "Dashboard", "Dashboard");
      const body = JSON.parse(dashboard.dashboardBody);
      body.widgets[2].properties.metrics = [];
      dashboard.dashboardBody = JSON.stringify(body);
    },
  },
  {
    name: "a function with a random name",
    violates: "physical-names-are-stable",
    alter: set("Function", "BackupWorkerFunction", {
      name: "ferry-production-BackupWorkerFunction-bcdefghk",
    }),
  },
  {
    name: "a queue without its alarm",
    violates: "every-queue-and-pipe-has-an-alarm",
    alter: without("MetricAlarm", "UndeliveredQueueAlarm"),
  },
  {
    name: "a Pipe's alarm on another metric",
    violates: "every-queue-and-pipe-has-an-alarm",
    alter: (graph) => {
      const { metricQueries } = inputs(graph, "MetricAlarm", "RequestsPipeAlarm");
      metricQueries[1].metric.metricName = "Invocations";
    },
  },
  {
    name: "an alarm that docs/operations.md does not explain",
    violates: "alarms-are-explained",
    alter: set("MetricAlarm", "FailedTasksAlarm", { name: "ferry-production-tasks-failed" }),
  },
  {
    name: "a chapter of docs/operations.md without an alarm",
    violates: "alarms-are-explained",
    alter: without("MetricAlarm", "StalledTasksAlarm"),
  },
  {
    name: "an alarm without an action",
    violates: "only-dev-stages-are-quiet",
    alter: set("MetricAlarm", "StalledTasksAlarm", { alarmActions: [] }),
  },
  {
    name: "an alarm of a developer's stage with actions enabled",
    violates: "only-dev-stages-are-quiet",
    graph: "dev",
    alter: set("MetricAlarm", "StalledTasksAlarm", { actionsEnabled: true }),
  },
  {
    name: "an enabled schedule of a developer's stage",
    violates: "only-dev-stages-are-quiet",
    graph: "dev",
    alter: set("Schedule", "MonitorSchedule", { state: "ENABLED" }),
  },
  {
    name: "a status table that is deleted with the stack",
    violates: "protected-stages-keep-their-tables",
    alter: (graph) => {
      const at = graph.resources.findIndex(({ name }) => name === "BackupStatusTable");
      graph.resources[at] = { ...graph.resources[at]!, retainOnDelete: false };
    },
  },
  {
    name: "a status table without deletion protection",
    violates: "protected-stages-keep-their-tables",
    alter: set("Table", "SegmentStatusTable", { deletionProtectionEnabled: false }),
  },
  {
    name: "a protected stage in sst dev",
    violates: "protected-stages-are-never-dev",
    alter: (graph) => {
      graph.dev = true;
    },
  },
  {
    name: "a provider that accepts every account",
    violates: "stages-are-pinned",
    alter: (graph) => {
      graph.app.providers.aws.allowedAccountIds = [];
    },
  },
  {
    name: "a provider of another region",
    violates: "stages-are-pinned",
    alter: (graph) => {
      graph.app.providers.aws.region = "eu-west-1";
    },
  },
  {
    name: "a topic without the subscription of the settings",
    violates: "protected-stages-have-a-reader",
    graph: "every-setting",
    alter: without("TopicSubscription", "AlarmEmail"),
  },
  {
    name: "a queue that takes dead letters of every queue",
    violates: "queues-take-no-others-dead-letters",
    alter: set("Queue", "RedriveQueue", { redriveAllowPolicy: undefined }),
  },
  {
    name: "a worker's queue that takes the dead letters of a queue",
    violates: "queues-take-no-others-dead-letters",
    alter: set("Queue", "BackupQueue", {
      redriveAllowPolicy: JSON.stringify({
        redrivePermission: "byQueue",
        sourceQueueArns: ["arn:aws:sqs:::other"],
      }),
    }),
  },
  {
    name: "a worker that may put another type of event",
    violates: "only-ferry-puts-facts",
    alter: inRole("BackupWorkerRole", "events:PutEvents", (one) =>
      one.Condition!["StringEquals"]!["events:detail-type"]!.push("TaskSucceeded"),
    ),
  },
  {
    name: "a Pipe that may put every type of event",
    violates: "only-ferry-puts-facts",
    alter: inRole("ReportFailuresPipeRole", "events:PutEvents", (one) => {
      delete one.Condition!["StringEquals"]!["events:detail-type"];
    }),
  },
  {
    name: "a bus that lets administrators put facts",
    violates: "only-ferry-puts-facts",
    alter: without("EventBusPolicy", "BusPolicy"),
  },
  {
    name: "a bus that denies facts to a worker",
    violates: "only-ferry-puts-facts",
    alter: inPolicy("EventBusPolicy", "BusPolicy", "events:PutEvents", (one) => {
      one.Condition!["ArnNotEquals"]!["aws:PrincipalArn"]!.shift();
    }),
  },
  {
    name: "a Pipe that may be created before its role",
    violates: "pipes-come-last",
    alter: (graph) => {
      const at = graph.resources.findIndex(({ name }) => name === "AnnounceBackupsPipe");
      graph.resources[at] = { ...graph.resources[at]!, dependsOn: [] };
    },
  },
  {
    name: "a bus without the alarm for lost events",
    violates: "delivery-failures-have-alarms",
    alter: without("MetricAlarm", "LostEventsAlarm"),
  },
  {
    name: "an alarm for the failed deliveries of another bus",
    violates: "delivery-failures-have-alarms",
    alter: (graph) => {
      const [query] = inputs(graph, "MetricAlarm", "FailedDeliveriesAlarm").metricQueries;
      query.expression = query.expression.replace("ferry-production", "default");
    },
  },
  {
    name: "schedules without the alarm for dropped requests",
    violates: "delivery-failures-have-alarms",
    alter: without("MetricAlarm", "DroppedSchedulesAlarm"),
  },
  {
    name: "a schedule without the alarm for overdue backups",
    violates: "missing-backups-are-noticed",
    alter: without("MetricAlarm", "BackupOverdueAlarm-nightly"),
  },
  {
    name: "an alarm for overdue backups that needs data to start",
    violates: "missing-backups-are-noticed",
    alter: set("MetricAlarm", "BackupOverdueAlarm-nightly", { treatMissingData: "notBreaching" }),
  },
  {
    name: "a renamed resource",
    violates: "logical-names-are-known",
    alter: (graph) => {
      const at = graph.resources.findIndex(({ name }) => name === "SegmentStatusTable");
      graph.resources[at] = { ...graph.resources[at]!, name: "SegmentsTable" };
    },
  },
  {
    name: "a worker table that is kept when the stage is removed",
    violates: "protected-stages-keep-their-tables",
    alter: (graph) => {
      const at = graph.resources.findIndex(({ name }) => name === "WorkerTable");
      graph.resources[at] = { ...graph.resources[at]!, retainOnDelete: true };
    },
  },
  {
    name: "in the profile minimal, a queue of dead letters without its alarm",
    violates: "every-queue-and-pipe-has-an-alarm",
    graph: "minimal",
    alter: without("MetricAlarm", "RedriveDeadLettersAlarm"),
  },
];
