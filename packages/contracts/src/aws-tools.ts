/**
 * The AWS CLI and boto3 need Python, and each of their processes as much CPU time as many tests: `npm run test:aws-tools` runs the tests
 * that start them.
 */

/** Why such a test is skipped; undefined: it runs, and fails if the tool is not installed. */
export const whyNoAwsTools: string | undefined =
  process.env["FERRY_TEST_AWS_TOOLS"] === undefined
    ? "npm run test:aws-tools runs it, with the AWS CLI and boto3"
    : undefined;
