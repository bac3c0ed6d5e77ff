/** A role that an AWS service may assume on behalf of one resource of this stage. */
import { account } from "../naming/arns.ts";

type Statement = aws.types.input.iam.GetPolicyDocumentStatementArgs;

export function serviceRole(
  logicalName: string,
  options: {
    readonly name: string;
    readonly service: "pipes.amazonaws.com" | "scheduler.amazonaws.com";
    /** The resource that may use the role: a Pipe, or a group of schedules. */
    readonly sourceArn: $util.Input<string>;
    readonly statements: Statement[];
  },
) {
  return new aws.iam.Role(logicalName, {
    name: options.name,
    assumeRolePolicy: aws.iam.getPolicyDocumentOutput({
      statements: [
        {
          actions: ["sts:AssumeRole"],
          principals: [{ type: "Service", identifiers: [options.service] }],
          conditions: [
            { test: "StringEquals", variable: "aws:SourceAccount", values: [account] },
            { test: "ArnEquals", variable: "aws:SourceArn", values: [options.sourceArn] },
          ],
        },
      ],
    }).json,
    inlinePolicies: [
      { name: "inline", policy: aws.iam.getPolicyDocumentOutput({ statements: options.statements }).json },
    ],
  });
}
