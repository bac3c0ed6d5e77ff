/** The queues: each tries, waits, keeps and admits what it should. */
import {
  type ConsumerName,
  consumers,
  physicalName,
  type QueueName,
  queues,
  routes,
  UNDELIVERED_QUEUE,
} from "@ferry/core/topology";
import { ACCOUNT, REGION } from "../../tools/synth/mocks.ts";
import { type Check, type Deployment, differences, ofType, same, unless } from "./check.ts";
import { statementsOf } from "./policies.ts";

type AnyQueue = Parameters<typeof physicalName>[1];

const queueNames = Object.keys(queues) as QueueName[];
const allNames: AnyQueue[] = [
  ...new Set<AnyQueue>([
    ...queueNames,
    ...queueNames.map((name) => queues[name].deadLetters),
    UNDELIVERED_QUEUE,
  ]),
];
const VISIBILITY_FACTOR = 6;
const PIPE_VISIBILITY_SECONDS_MIN = 60;

const inputsOf = (deployment: Deployment, name: AnyQueue) =>
  ofType(deployment, "Queue").find(({ inputs }) => inputs.name === physicalName(deployment.stage, name))
    ?.inputs ?? {};

/** The workers' as the stage sets them; the redrive queue's with five to spare, should receives count on there. */
function expectedAttempts({ settings }: Deployment, name: QueueName, attempts: number): number {
  if (name === "backup-queue" || name === "restore-queue") return settings.attempts;
  return name === "redrive-queue" ? Math.max(attempts, settings.attempts + 5) : attempts;
}

const queuesAreTheTopologys: Check = {
  name: "queues-are-the-topologys",
  broken: (deployment) => [
    ...differences(
      "queue",
      allNames.map((name) => physicalName(deployment.stage, name)),
      ofType(deployment, "Queue").map(({ inputs }) => inputs.name),
    ),
    ...queueNames.flatMap((name) => {
      const { deadLetters, attempts } = queues[name];
      const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(
        inputsOf(deployment, name).redrivePolicy ?? "{}",
      );
      const expected = expectedAttempts(deployment, name, attempts);
      return [
        ...unless(
          deadLetterTargetArn?.endsWith(`:${physicalName(deployment.stage, deadLetters)}`) === true,
          `what ${name} gives up goes to ${deadLetterTargetArn}`,
        ),
        ...unless(
          maxReceiveCount === expected,
          `${name} tries ${maxReceiveCount} times instead of ${expected}`,
        ),
      ];
    }),
  ],
};

const queuesAreEncrypted: Check = {
  name: "queues-are-encrypted",
  broken: (deployment) =>
    ofType(deployment, "Queue").flatMap(({ inputs }) =>
      unless(inputs.sqsManagedSseEnabled === true, `${inputs.name} is not pinned to SQS's own encryption`),
    ),
};

/** Nobody gets a message that another is still at; and in dev it comes back soon. */
const visibilityFitsTheConsumer: Check = {
  name: "visibility-fits-the-consumer",
  broken: (deployment) =>
    queueNames.flatMap((name) => {
      const seconds = inputsOf(deployment, name).visibilityTimeoutSeconds ?? 30;
      const consumer = (Object.keys(consumers) as ConsumerName[]).find(
        (key) => consumers[key].queue === name,
      );
      const timeout = ofType(deployment, "Function").find(
        ({ inputs }) => inputs.name === `ferry-${deployment.stage}-${consumer}`,
      )?.inputs.timeout;
      const least =
        consumer === undefined
          ? PIPE_VISIBILITY_SECONDS_MIN
          : timeout * (deployment.dev ? 1 : VISIBILITY_FACTOR);
      return unless(
        seconds >= least,
        `${name} hides a message for ${seconds} s; its consumer needs ${least} s`,
      );
    }),
};

/** A message keeps its age when it is set aside. */
const deadLettersLiveLonger: Check = {
  name: "dead-letters-live-longer",
  broken: (deployment) =>
    queueNames.flatMap((name) => {
      const { deadLetters } = queues[name];
      const own = inputsOf(deployment, name).messageRetentionSeconds;
      const theirs = inputsOf(deployment, deadLetters).messageRetentionSeconds;
      return unless(theirs > own, `${deadLetters} keeps messages for ${theirs} s, ${name} for ${own} s`);
    }),
};

/** What a queue takes from EventBridge it takes from its own rules, in this account. */
const queuesAdmitTheirRules: Check = {
  name: "queues-admit-their-rules",
  broken: (deployment) => {
    const { stage } = deployment;
    const expected = new Map<AnyQueue, string[]>([[UNDELIVERED_QUEUE, ["*"]]]);
    for (const [rule, { queue }] of Object.entries(routes))
      expected.set(queue, [...(expected.get(queue) ?? []), rule]);
    const policies = ofType(deployment, "QueuePolicy");
    const urls = policies.map(({ inputs }) => inputs.queueUrl as string);
    return [
      ...urls
        .filter((url, at) => urls.indexOf(url) !== at)
        .map((url) => `${url} has two policies, of which one is lost`),
      ...[...expected].flatMap(([queue, rules]) => {
        const policy = policies.find(({ inputs }) =>
          inputs.queueUrl.endsWith(`/${physicalName(stage, queue)}`),
        );
        if (policy === undefined) return [`${queue} admits no rule`];
        const found = statementsOf(policy.inputs.policy)
          .filter((statement) => statement.Principal?.["Service"]?.includes("events.amazonaws.com"))
          .flatMap((statement) => statement.Condition?.["ArnLike"]?.["aws:SourceArn"] ?? []);
        return differences(
          `${queue}'s source`,
          rules.map(
            (rule) => `arn:aws:events:${REGION}:${ACCOUNT}:rule/${physicalName(stage, "bus")}/${rule}`,
          ),
          found,
        );
      }),
      ...policies.flatMap(({ name, inputs }) =>
        statementsOf(inputs.policy).flatMap((statement) => [
          ...unless(
            same(statement.Action, ["sqs:SendMessage"]),
            `${name} allows ${statement.Action.join(", ")}`,
          ),
          ...unless(
            statement.Principal?.["Service"] === undefined ||
              statement.Condition?.["StringEquals"]?.["aws:SourceAccount"]?.length === 1,
            `${name} admits a service on behalf of any account`,
          ),
        ]),
      ),
    ];
  },
};

export const queueChecks: readonly Check[] = [
  queuesAreTheTopologys,
  queuesAreEncrypted,
  visibilityFitsTheConsumer,
  deadLettersLiveLonger,
  queuesAdmitTheirRules,
];
