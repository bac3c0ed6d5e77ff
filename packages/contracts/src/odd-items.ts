/**
 * Items in forms of JSON that are valid but rare. Each has the hash key `pk` (S) and the range key `sk` (N).
 */

/** The rare form → the item's text. Each `pk` is unique. */
export const oddItems: Readonly<Record<string, string>> = {
  "white space":
    '{ "pk" :\t{"S" : "space"},\n  "sk":{ "N":"1" } ,\r\n"x":{"L":[ {"N":"1"} ,\t{"NULL":true}] } }',
  "key order": '{"z":{"S":"first"},"sk":{"N":"1"},"a":{"BOOL":false},"pk":{"S":"order"}}',
  "escaped names":
    '{"\\u0070\\u006b":{"\\u0053":"names"},"sk":{"\\u004e":"1"},"\\u0061\\/":{"S":"\\u0061\\/"}}',
  "escapes in strings":
    '{"pk":{"S":"escapes \\u0061\\/\\"\\\\"},"sk":{"N":"1"},"s":{"S":"\\b\\f\\n\\r\\t\\u0000\\u2028\\ud83d\\ude00"}}',
  "raw beyond ASCII":
    '{"pk":{"S":"raw \u2028\u2029 \u{1f600} \uff5e é"},"sk":{"N":"1"},"名前":{"S":"\u007f"}}',
  "structure inside strings":
    '{"pk":{"S":"]}],\\"LastEvaluatedKey\\":{\\"pk\\":{\\"S\\":\\"x\\"}}"},"sk":{"N":"1"},"x":{"S":"{\\"Item\\":[\\\\"}}',
  "38 digits":
    '{"pk":{"S":"digits"},"sk":{"N":"12345678901234567890123456789012345678"},"n":{"N":"0.12345678901234567890123456789012345678"}}',
  "negative exponents":
    '{"pk":{"S":"exponents"},"sk":{"N":"-1.5e-100"},"n":{"N":"1E-130"},"m":{"N":"-9.99E+125"}}',
  "numbers written at length":
    '{"pk":{"S":"length"},"sk":{"N":"001.500"},"n":{"N":"0.00"},"m":{"N":"100e-2"}}',
  "every type":
    '{"pk":{"S":"types"},"sk":{"N":"1"},"b":{"B":"AAEC/+8="},"ss":{"SS":["b","a"]},"ns":{"NS":["10","9"]},' +
    '"bs":{"BS":["Ag==","AQ=="]},"m":{"M":{"l":{"L":[{"M":{}},{"L":[]},{"S":""},{"BOOL":true},{"NULL":true}]}}}}',
  "the protocol's own names":
    '{"pk":{"S":"names of the protocol"},"sk":{"N":"1"},"Items":{"L":[{"S":"Items"}]},"Count":{"N":"9"},' +
    '"LastEvaluatedKey":{"M":{"pk":{"S":"x"}}},"PutRequest":{"M":{"Item":{"S":"x"}}},"UnprocessedItems":{"M":{}}}',
  "a deep nest": `{"pk":{"S":"deep"},"sk":{"N":"1"},"d":${'{"L":['.repeat(30)}{"S":"bottom"}${"]}".repeat(30)}}`,
  "names with dots and quotes":
    '{"pk":{"S":"quotes"},"sk":{"N":"1"},"a.b[0]":{"S":"x"},"\\"":{"S":"y"},":#":{"S":"z"}}',
};
