/**
 * Event patterns, as EventBridge rules and Pipe filters match them. The supported operators agree with AWS's rule engine
 * (fixtures/event-pattern-truth.json); any other operator is refused when the pattern is compiled.
 */
import { isObject, type JsonObject } from "../json.ts";

/** Whether an event (any JSON object) matches. */
export type Matcher = (event: unknown) => boolean;

/** The match expressions that are supported, besides exact values and `$or`. */
export const operators = [
  "anything-but",
  "equals-ignore-case",
  "exists",
  "numeric",
  "prefix",
  "suffix",
] as const;

/** Operators of EventBridge that are not supported here. */
const unsupportedOperators = ["cidr", "wildcard"];

/** Whether one leaf value of the event passes. */
type ValueTest = (value: unknown) => boolean;

/** A field's test: `value` is the event's value at the field, `root` the whole event. */
type Test = (value: unknown, root: unknown) => boolean;

type Path = readonly string[];

/** Compiles a pattern. Throws an Error that names the part that EventBridge would refuse or that is not supported here. */
export function compilePattern(pattern: unknown): Matcher {
  const test = compileObject(pattern, []);
  return (event) => test(event, event);
}

function compileObject(pattern: unknown, path: Path): Test {
  const where = path.length === 0 ? "event pattern" : `event pattern field "${path.join(".")}"`;
  if (!isObject(pattern)) throw new Error(`${where} must be an object or an array`);
  const fields = Object.entries(pattern);
  if (fields.length === 0) throw new Error(`${where}: empty objects are not allowed`);
  const tests = fields.map(([name, value]) =>
    name === "$or" && isAlternatives(value)
      ? anyOf(value.map((alternative) => compileObject(alternative, path)))
      : compileField(name.split("."), value, path),
  );
  return allOf(tests);
}

/** A dot in a pattern's field name separates nested fields. */
function compileField(names: Path, value: unknown, path: Path): Test {
  const [name, ...rest] = names as [string, ...string[]];
  const deeper = [...path, name];
  const test =
    rest.length > 0
      ? compileField(rest, value, deeper)
      : Array.isArray(value)
        ? compileLeaf(value, deeper)
        : compileObject(value, deeper);
  // In an array of objects, a single element must pass the tests of all fields: so try each element, then its fields.
  return (value, root) => objectsIn(value).some((object) => test(ownField(object, name), root));
}

function compileLeaf(alternatives: readonly unknown[], path: Path): Test {
  const where = `event pattern field "${path.join(".")}"`;
  if (alternatives.length === 0) throw new Error(`${where}: empty arrays are not allowed`);
  const tests: ValueTest[] = [];
  let absent = false;
  for (const alternative of alternatives) {
    if (isObject(alternative) && "exists" in alternative) {
      onlyKey(alternative, where);
      if (alternative["exists"] === true) tests.push(() => true);
      else if (alternative["exists"] === false) absent = true;
      else throw new Error(`${where}: exists must be either true or false`);
    } else tests.push(compileValue(alternative, where));
  }
  return (value, root) =>
    leavesIn(value).some((leaf) => tests.some((test) => test(leaf))) ||
    // Absence concerns the whole event: no element of any array may have the field.
    (absent && leavesAt(root, path).length === 0);
}

function compileValue(alternative: unknown, where: string): ValueTest {
  if (Array.isArray(alternative)) throw new Error(`${where}: an array must not hold an array`);
  if (!isObject(alternative)) return (value) => value === alternative;
  const operator = onlyKey(alternative, where);
  const operand = alternative[operator];
  switch (operator) {
    case "prefix":
    case "suffix":
      return compileAffix(operator, operand, where);
    case "equals-ignore-case":
      return equalsIgnoringCase(string(operand, operator, where));
    case "anything-but":
      return compileAnythingBut(operand, where);
    case "numeric":
      return compileNumeric(operand, where);
    default:
      throw unknownOperator(operator, where);
  }
}

function compileAffix(operator: "prefix" | "suffix", operand: unknown, where: string): ValueTest {
  const ignoringCase = isObject(operand);
  if (isObject(operand)) {
    const inner = onlyKey(operand, where);
    if (inner !== "equals-ignore-case") throw unknownOperator(inner, where);
  }
  const affix = string(isObject(operand) ? operand["equals-ignore-case"] : operand, operator, where);
  const normalize = (text: string) => (ignoringCase ? text.toLowerCase() : text);
  const expected = normalize(affix);
  return (value) =>
    typeof value === "string" &&
    (operator === "prefix" ? normalize(value).startsWith(expected) : normalize(value).endsWith(expected));
}

function compileAnythingBut(operand: unknown, where: string): ValueTest {
  if (isObject(operand)) {
    const operator = onlyKey(operand, where);
    const inner = operand[operator];
    const texts = Array.isArray(inner) ? inner : [inner];
    if (texts.length === 0) throw new Error(`${where}: empty arrays are not allowed`);
    const tests = texts.map((text) => {
      if (operator === "equals-ignore-case") return equalsIgnoringCase(string(text, operator, where));
      if (operator === "prefix" || operator === "suffix")
        return compileAffix(operator, string(text, operator, where), where);
      throw unknownOperator(operator, where);
    });
    return (value) => !tests.some((test) => test(value));
  }
  const values = Array.isArray(operand) ? operand : [operand];
  const alike = (type: string) => values.length > 0 && values.every((value) => typeof value === type);
  if (!alike("string") && !alike("number"))
    throw new Error(`${where}: anything-but takes one or more values, all strings or all numbers`);
  return (value) => !values.includes(value);
}

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  "=": (value, bound) => value === bound,
  "<": (value, bound) => value < bound,
  "<=": (value, bound) => value <= bound,
  ">": (value, bound) => value > bound,
  ">=": (value, bound) => value >= bound,
};

function compileNumeric(operand: unknown, where: string): ValueTest {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4))
    throw new Error(`${where}: numeric takes one comparison, or a lower and an upper bound`);
  const tests: ValueTest[] = [];
  for (let at = 0; at < operand.length; at += 2) {
    const compare = comparisons[String(operand[at])];
    const bound: unknown = operand[at + 1];
    if (compare === undefined) throw new Error(`${where}: unrecognized numeric operator ${operand[at]}`);
    if (typeof bound !== "number") throw new Error(`${where}: numeric bounds must be numbers`);
    tests.push((value) => typeof value === "number" && compare(value, bound));
  }
  return (value) => tests.every((test) => test(value));
}

function equalsIgnoringCase(text: string): ValueTest {
  const expected = text.toLowerCase();
  return (value) => typeof value === "string" && value.toLowerCase() === expected;
}

/** `$or` is an operator only with two or more objects of fields; with any other value it is a field's name. */
function isAlternatives(value: unknown): value is readonly object[] {
  const reserved: readonly string[] = [...operators, ...unsupportedOperators];
  return (
    Array.isArray(value) &&
    value.length >= 2 &&
    value.every((item) => isObject(item) && !Object.keys(item).some((key) => reserved.includes(key)))
  );
}

function unknownOperator(operator: string, where: string): Error {
  return unsupportedOperators.includes(operator)
    ? new Error(`event pattern operator "${operator}" is not supported here (${where})`)
    : new Error(`${where}: unrecognized match type ${operator}`);
}

function onlyKey(expression: object, where: string): string {
  const [key, ...more] = Object.keys(expression);
  if (key === undefined || more.length > 0)
    throw new Error(`${where}: exactly one key is allowed in a match expression`);
  return key;
}

function string(value: unknown, operator: string, where: string): string {
  if (typeof value !== "string") throw new Error(`${where}: ${operator} takes a string`);
  return value;
}

const allOf =
  (tests: readonly Test[]): Test =>
  (value, root) =>
    // One element must pass all of an object's tests, including a `$or` beside its fields.
    objectsIn(value).some((object) => tests.every((test) => test(object, root)));

const anyOf =
  (tests: readonly Test[]): Test =>
  (value, root) =>
    tests.some((test) => test(value, root));

/** The objects in which fields are looked up. A value that is not an object counts as an empty object. */
function objectsIn(value: unknown): readonly JsonObject[] {
  if (Array.isArray(value) && value.length > 0) return value.flatMap(objectsIn);
  return [isObject(value) ? value : {}];
}

/** The values to compare: the elements of arrays, and no value for an object. */
function leavesIn(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap(leavesIn);
  return isObject(value) ? [] : [value];
}

function leavesAt(value: unknown, [name, ...rest]: Path): readonly unknown[] {
  if (name === undefined) return leavesIn(value);
  return objectsIn(value).flatMap((object) => leavesAt(ownField(object, name), rest));
}

/** A field that is not inherited: a pattern must not match Object's properties. */
function ownField(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
