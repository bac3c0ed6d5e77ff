import { bucket } from "@ferry/memory/testing/tasks";
import { expect, test } from "vitest";
import type { TableDescription } from "../ports.ts";
import { decodeKeySchema, describeKeys, encodeTableSettings, keySchema } from "./table-settings.ts";

const table = {
  keys: ["id", "sort"],
  keyTypes: { id: "S", sort: "N" },
} as unknown as TableDescription;
const settings = { Table: { TableName: "cities" } };

test("table.json holds the key schema and the unchanged settings", () => {
  expect(new TextDecoder().decode(encodeTableSettings(table, settings))).toBe(
    `{
  "format-version": 1,
  "keys": [
    {
      "name": "id",
      "type": "S"
    },
    {
      "name": "sort",
      "type": "N"
    }
  ],
  "Table": {
    "TableName": "cities"
  }
}
`,
  );
});

test("the key schema can be decoded, hash key first", () => {
  const keys = [
    { name: "id", type: "S" },
    { name: "sort", type: "N" },
  ];
  expect(decodeKeySchema(bucket, "backups/one/table.json", encodeTableSettings(table, settings))).toEqual(
    keys,
  );
  expect(describeKeys(keys)).toBe("id (S), sort (N)");
});

test.each(["S", "N", "B"])("a key of type %s can be decoded", (type) => {
  const bytes = encodeTableSettings({ ...table, keyTypes: { id: type, sort: type } }, settings);
  expect(decodeKeySchema(bucket, "t", bytes).map((key) => key.type)).toEqual([type, type]);
});

test("a key attribute of unknown type has the type ?", () => {
  expect(keySchema({ ...table, keyTypes: {} })[0]).toEqual({ name: "id", type: "?" });
});

test.each([
  ["{", "broken-archive"],
  ["[]", "broken-archive"],
  ['{"keys":[]}', "broken-archive"],
  ['{"format-version":1}', "broken-archive"],
  ['{"format-version":1,"keys":[]}', "broken-archive"],
  ['{"format-version":1,"keys":[{"name":"id","type":"BOOL"}]}', "broken-archive"],
  ['{"format-version":2,"keys":[{"name":"id","type":"S"}]}', "unknown-format"],
])("a table.json of %s is refused as %s, and the error names the object", (text, code) => {
  const error = { kind: "permanent", code, resource: "s3://archives/backups/one/table.json" };
  const decode = () => decodeKeySchema(bucket, "backups/one/table.json", new TextEncoder().encode(text));
  expect(decode).toThrow(expect.objectContaining(error));
});
