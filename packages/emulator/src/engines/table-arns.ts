/**
 * DynamoDB accepts a table's ARN wherever it accepts its name; dynalite accepts names only.
 */
import { ACCOUNT } from "../arns.ts";

/** Returns the request body with names in place of the ARNs of the account's tables in the region. */
export function namesForArns(body: Buffer, region: string): Buffer {
  const arn = `arn:aws:dynamodb:${region}:${ACCOUNT}:table/`;
  // Most bodies have no ARN, and bodies may be large.
  if (!body.includes(arn)) return body;
  // The ARN is the value of TableName or a field's name (in RequestItems). In an item's strings the quotes are escaped.
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
