/** Nothing missing and nothing extra: how many there are of each type, whoever else looks at them. */
import { pipes, queues, routes, tables } from "@ferry/core/topology";
import { type Check, type Deployment, unless } from "./check.ts";
import { expectedGrants } from "./grants.ts";

const WORKERS = 2;
const FUNCTIONS = 4;
const size = (of: object) => Object.keys(of).length;

/** By type, as Pulumi names it. A type that is not here should not be there. */
function expectedNumbers(deployment: Deployment): Readonly<Record<string, number>> {
  const { dev, settings } = deployment;
  const deadLetters = Object.values(queues).filter((queue) => queue.deadLetters !== "redrive-queue").length;
  const fed = new Set(Object.values(routes).map(({ queue }) => queue)).size;
  const hasCallers = settings.callerAccounts.length > 0 ? 1 : 0;
  return {
    "aws:cloudwatch/eventBus:EventBus": 1,
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": hasCallers,
    "aws:cloudwatch/eventRule:EventRule": size(routes),
    "aws:cloudwatch/eventTarget:EventTarget": size(routes),
    "aws:cloudwatch/logDelivery:LogDelivery": 1,
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": 1,
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": 1,
    // Of the bus, each Pipe and each function.
    "aws:cloudwatch/logGroup:LogGroup": 1 + size(pipes) + FUNCTIONS,
    // The oldest message of each queue; what is set aside; each Pipe, and whether all run; silent, failed and rejected
    // tasks; and a function's throttles, but not the watch's.
    "aws:cloudwatch/metricAlarm:MetricAlarm":
      size(queues) + (deadLetters + 1) + (size(pipes) + 1) + 3 + (FUNCTIONS - 1),
    "aws:cloudwatch/dashboard:Dashboard": 1,
    // The workers' notes besides.
    "aws:dynamodb/table:Table": size(tables) + 1,
    "aws:iam/policy:Policy": 1,
    "aws:iam/role:Role": expectedGrants(deployment).size,
    "aws:lambda/eventSourceMapping:EventSourceMapping": FUNCTIONS - 1,
    "aws:lambda/function:Function": FUNCTIONS,
    "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": WORKERS,
    "aws:pipes/pipe:Pipe": size(pipes),
    // The code: each function's, or in dev the one stub.
    "aws:s3/bucketObjectv2:BucketObjectv2": dev ? 1 : FUNCTIONS,
    "aws:scheduler/schedule:Schedule": settings.schedules.flatMap((schedule) => schedule.tables).length + 1,
    "aws:scheduler/scheduleGroup:ScheduleGroup": 1,
    "aws:sns/topic:Topic": 1,
    "aws:sns/topicPolicy:TopicPolicy": 1,
    "aws:sns/topicSubscription:TopicSubscription": settings.alarmEmail === undefined ? 0 : 1,
    "aws:sqs/queue:Queue": size(queues) + deadLetters + 1,
    "aws:sqs/queuePolicy:QueuePolicy": fed + 1 + hasCallers,
    "random:index/randomBytes:RandomBytes": 1,
  };
}

const nothingElseIsThere: Check = {
  name: "nothing-else-is-there",
  broken: (deployment) => {
    const expected = expectedNumbers(deployment);
    const types = deployment.graph.resources.map(({ type }) => type);
    return [...new Set([...Object.keys(expected), ...types])].flatMap((type) => {
      const found = types.filter((one) => one === type).length;
      return unless(found === (expected[type] ?? 0), `${found} of ${type} instead of ${expected[type] ?? 0}`);
    });
  },
};

export const censusChecks: readonly Check[] = [nothingElseIsThere];
