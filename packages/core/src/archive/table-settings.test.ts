import { expect, test } from "vitest";
import type { TableDescription } from "../ports.ts";
import { decodeKeySchema, describeKeys, encodeTableSettings, keySchema } from "./table-settings.ts";

const table = {
  keys: ["id", "sort"],
  keyTypes: { id: "S", sort: "N" },
  settings: { Table: { TableName: "cities" } },
} as unknown as TableDescription;

test("table.json holds the key schema and the settings as they came", () => {
  expect(new TextDecoder().decode(encodeTableSettings(table))).toBe(
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

test("the key schema is read back, hash first", () => {
  const keys = [
    { name: "id", type: "S" },
    { name: "sort", type: "N" },
  ];
  expect(decodeKeySchema(encodeTableSettings(table))).toEqual(keys);
  expect(describeKeys(keys)).toBe("id (S), sort (N)");
});

test("a key attribute whose type the table does not tell has a question mark for one", () => {
  expect(keySchema({ ...table, keyTypes: {} })[0]).toEqual({ name: "id", type: "?" });
});

test("a table.json without a key schema is refused", () => {
  expect(() => decodeKeySchema(new TextEncoder().encode("{}"))).toThrow("keys");
});
