/** The schedules: one entry for each table of each schedule, which put a request that would be accepted. */
import { parseRequest } from "@ferry/core/request";
import { physicalName, UNDELIVERED_QUEUE } from "@ferry/core/topology";
import { type Check, type Deployment, ofType, same, unless } from "./check.ts";

const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";

/** The entries that put requests: all but the watch's. */
const requests = (deployment: Deployment) =>
  ofType(deployment, "Schedule").filter(({ inputs }) => inputs.target.eventbridgeParameters !== undefined);

const schedulesAreAsSet: Check = {
  name: "schedules-are-as-set",
  broken: (deployment) => {
    const { settings, stage } = deployment;
    const wanted = settings.schedules.flatMap((schedule) =>
      schedule.tables.map((table) => ({
        schedule,
        request: {
          action: "backup",
          "table-region": typeof table === "string" ? table.split(":")[3] : table.region,
          "table-name": typeof table === "string" ? table : table.name,
          ...schedule.request,
        },
      })),
    );
    const found = requests(deployment);
    return [
      ...unless(found.length === wanted.length, `${found.length} entries instead of ${wanted.length}`),
      ...wanted.flatMap(({ schedule, request }) =>
        unless(
          found.some(
            ({ inputs }) =>
              inputs.scheduleExpression === schedule.expression &&
              inputs.scheduleExpressionTimezone === schedule.timezone &&
              (inputs.flexibleTimeWindow.maximumWindowInMinutes ?? 0) === schedule.windowMinutes &&
              same(JSON.parse(inputs.target.input).request, request),
          ),
          `${schedule.name} does not back up ${request["table-name"]} as it should`,
        ),
      ),
      ...found.flatMap(({ inputs }) => [
        ...unless(
          inputs.target.arn.endsWith(`:event-bus/${physicalName(stage, "bus")}`) &&
            inputs.target.eventbridgeParameters.detailType === "TaskRequested" &&
            inputs.target.roleArn.endsWith(`:role/ferry-${stage}-schedules`),
          `${inputs.name} asks nobody, or may not`,
        ),
        ...unless(
          inputs.target.deadLetterConfig?.arn.endsWith(`:${physicalName(stage, UNDELIVERED_QUEUE)}`) ===
            true && inputs.target.retryPolicy?.maximumEventAgeInSeconds > 0,
          `${inputs.name}'s request is lost when it cannot be put`,
        ),
      ]),
    ];
  },
};

const scheduledRequestsAreGood: Check = {
  name: "scheduled-requests-are-good",
  broken: (deployment) =>
    requests(deployment).flatMap(({ inputs }) => {
      const { request, ...about } = JSON.parse(inputs.target.input);
      const parsed = parseRequest(request, {
        requestTimeMs: 0,
        maximumSegments: deployment.settings.maximumSegments,
      });
      const id = String(about["request-id"]).replaceAll(SCHEDULED_TIME, "2026-11-23T02:00:00Z");
      return [
        ...("issues" in parsed
          ? parsed.issues.map((issue) => `${inputs.name} would be rejected: ${issue.message}`)
          : []),
        // One night's request, delivered twice, must be one task, and one archive.
        ...unless(about["request-time"] === SCHEDULED_TIME, `${inputs.name}'s time is not when it was due`),
        ...unless(
          about["request-id"].includes(SCHEDULED_TIME),
          `${inputs.name}'s request id is not the night's`,
        ),
        ...unless(
          ["{table}", "{date}", "{time}"].every((part) => request["bucket-prefix"].includes(part)),
          `${inputs.name} would write every night to one prefix`,
        ),
        ...unless(/^[A-Za-z0-9_.:-]{1,128}$/.test(id), `${inputs.name}'s request id is no message group`),
      ];
    }),
};

/** A developer's stage has the tables of a shared one. */
const schedulesRestInDev: Check = {
  name: "schedules-rest-in-dev",
  broken: (deployment) =>
    ofType(deployment, "Schedule").flatMap(({ inputs }) =>
      unless(
        inputs.state === (deployment.dev ? "DISABLED" : "ENABLED"),
        `${inputs.name} is ${inputs.state} ${deployment.dev ? "in dev" : "where it should run"}`,
      ),
    ),
};

export const scheduleChecks: readonly Check[] = [
  schedulesAreAsSet,
  scheduledRequestsAreGood,
  schedulesRestInDev,
];
