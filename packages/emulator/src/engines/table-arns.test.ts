import { expect, test } from "vitest";
import { namesForArns } from "./table-arns.ts";

const arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/songs";
const rewritten = (text: string) => namesForArns(Buffer.from(text), "eu-west-1").toString();

test.each([
  ["a table's name", `{"TableName" : "${arn}"}`, '{"TableName" : "songs"}'],
  ["the tables of a batch", `{"RequestItems":{"${arn}":[]}}`, '{"RequestItems":{"songs":[]}}'],
])("an ARN is replaced in %s", (_, given, expected) => expect(rewritten(given)).toBe(expected));

test.each([
  ["a name", '{"TableName":"songs"}'],
  ["another account's table", `{"TableName":"${arn.replace("000000000000", "111111111111")}"}`],
  ["another region's table", `{"TableName":"${arn.replace("eu-west-1", "us-east-1")}"}`],
  [
    "an item's string",
    `{"TableName":"songs","Item":{"a":{"S":"${arn}"},"b":{"S":"\\"TableName\\":\\"${arn}\\""}}}`,
  ],
])("%s is not changed", (_, given) => expect(rewritten(given)).toBe(given));
