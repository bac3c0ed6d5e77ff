/** Writes values as YAML that is easy to compare: short lists on one line, long strings broken after commas. */
const LINE_LENGTH_MAX = 110;

/** An object as YAML, each level indented by two spaces. */
export function yamlOf(value: object, indent = ""): string {
  return Object.entries(value)
    .map(([key, inner]) => `${indent}${scalar(key)}:${valueText(inner, indent)}`)
    .join("\n");
}

/** The text after a key's colon. */
function valueText(value: unknown, indent: string): string {
  if (Array.isArray(value)) return list(value, indent);
  if (typeof value === "object" && value !== null)
    return Object.keys(value).length === 0 ? " {}" : `\n${yamlOf(value, `${indent}  `)}`;
  return ` ${text(value, indent)}`;
}

function list(values: readonly unknown[], indent: string): string {
  const line = flow(values);
  if (values.length < 2 && indent.length + line.length < LINE_LENGTH_MAX) return ` ${line}`;
  return values.map((value) => `\n${indent}  - ${item(value, `${indent}    `)}`).join("");
}

function item(value: unknown, indent: string): string {
  const line = flow(value);
  if (typeof value !== "object" || indent.length + line.length < LINE_LENGTH_MAX) return line;
  if (Array.isArray(value)) return line;
  return yamlOf(value as object, indent).trimStart();
}

/** A value on one line. JSON is also YAML. */
const flow = (value: unknown): string => (typeof value === "string" ? scalar(value) : JSON.stringify(value));

function text(value: unknown, indent: string): string {
  if (typeof value !== "string") return JSON.stringify(value);
  if (value.length < LINE_LENGTH_MAX || !value.includes(',"')) return scalar(value);
  // A folded string: YAML joins the lines with spaces, which JSON ignores at these places.
  return `>-\n${value.replaceAll(/^|(?<=,)(?=")/gm, `\n${indent}  `).slice(1)}`;
}

/** A string, without quotes if YAML reads it as the same string. */
const scalar = (value: string): string =>
  /^[A-Za-z/$][\w ./:@$=*,'"()-]*$/.test(value) &&
  !/: |:$| #| $/.test(value) &&
  !/^(true|false|null|yes|no|on|off)$/i.test(value)
    ? value
    : JSON.stringify(value);
