/**
 * DynamoDB takes a table's ARN wherever it takes its name; dynalite takes names only.
 */
import { ACCOUNT } from "../arns.ts";

/** The same request body with names instead of the ARNs of this account's tables in the region. */
export function namesForArns(body: Buffer, region: string): Buffer {
  const arn = `arn:aws:dynamodb:${region}:${ACCOUNT}:table/`;
  // Most bodies have none, and they may be large.
  if (!body.includes(arn)) return body;
  // The value of TableName, or a field's name (in RequestItems). In an item's strings the quotes would be escaped.
  const named = new RegExp(`("TableName"\\s*:\\s*)"${arn}([^"/]+)"|"${arn}([^"/]+)"(\\s*:)`, "g");
  return Buffer.from(
    body
      .toString()
      .replace(
        named,
        (_, before = "", name = "", field = "", after = "") => `${before}"${name}${field}"${after}`,
      ),
  );
}
