/** The bus's own policy: only Ferry's roles put events with Ferry's source; callers of other accounts put requests. */
import { SOURCE } from "@ferry/core/events/events";
import { pipes } from "@ferry/core/topology";
import { bus } from "../bus/bus.ts";
import { accountRoots, roleArn } from "../naming/arns.ts";
import { resourceName } from "../naming/names.ts";
import { settings } from "../settings/stage-settings.ts";
import { putRequests } from "./caller-policy.ts";
import { permissions } from "./function-permissions.ts";

/** The names of the roles that put events: functions, Pipes and schedules. */
const putters = [
  ...Object.entries(permissions)
    .filter(([, granted]) => granted.some(({ actions }) => actions.includes("events:PutEvents")))
    .map(([name]) => resourceName(name)),
  ...Object.keys(pipes).map((key) => `${resourceName(key)}-pipe`),
  resourceName("schedules"),
];

export const busPolicy = new aws.cloudwatch.EventBusPolicy(
  "BusPolicy",
  {
    eventBusName: bus.name,
    policy: aws.iam.getPolicyDocumentOutput({
      statements: [
        {
          // The administrators of the account may put any event by their own policies; this one denies them the facts.
          sid: "OnlyFerryPutsFacts",
          effect: "Deny",
          principals: [{ type: "*", identifiers: ["*"] }],
          actions: ["events:PutEvents"],
          resources: [bus.arn],
          conditions: [
            { test: "StringEquals", variable: "events:source", values: [SOURCE] },
            { test: "ArnNotEquals", variable: "aws:PrincipalArn", values: putters.map(roleArn) },
            // ArnNotEquals is also true without a principal's ARN. If a service ever put Ferry's events without one, every
            // event would be denied.
            { test: "Null", variable: "aws:PrincipalArn", values: ["false"] },
          ],
        },
        ...(settings.callerAccounts.length === 0
          ? []
          : [
              {
                sid: "CallersOfOtherAccounts",
                ...putRequests,
                principals: [{ type: "AWS", identifiers: accountRoots(settings.callerAccounts) }],
              },
            ]),
      ],
    }).json,
  },
  // A bus has one policy. Under another logical name it would be deleted after its successor was created.
  { aliases: [{ name: "CallerAccounts" }] },
);
