/** A role that an AWS service may assume on behalf of one resource of this stage. */
import { account } from "../naming/arns.ts";

type Statement = aws.types.input.iam.GetPolicyDocumentStatementArgs;

export function serviceRole(
  logicalName: string,
  about: {
    readonly name: string;
    readonly service: "pipes.amazonaws.com" | "scheduler.amazonaws.com";
    /** The resource that may use the role: a Pipe, or a group of schedules. */
    readonly sourceArn: $util.Input<string>;
    readonly statements: Statement[];
  },
) {
  return new aws.iam.Role(logicalName, {
    name: about.name,
    assumeRolePolicy: aws.iam.getPolicyDocumentOutput({
      statements: [
        {
          actions: ["sts:AssumeRole"],
          principals: [{ type: "Service", identifiers: [about.service] }],
          conditions: [
            { test: "StringEquals", variable: "aws:SourceAccount", values: [account] },
            { test: "ArnEquals", variable: "aws:SourceArn", values: [about.sourceArn] },
          ],
        },
      ],
    }).json,
    inlinePolicies: [
      { name: "inline", policy: aws.iam.getPolicyDocumentOutput({ statements: about.statements }).json },
    ],
  });
}
