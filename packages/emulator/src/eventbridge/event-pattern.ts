/**
 * Event patterns, as EventBridge rules and Pipe filters match them. What is claimed here agrees with AWS's own rule
 * engine (fixtures/event-pattern-truth.json); every other operator is refused by name when the pattern is compiled.
 */

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

/** Operators of EventBridge that a pattern must not use here. */
const unsupportedOperators = ["cidr", "wildcard"];

/** Tells whether one leaf value of the event passes. */
type ValueTest = (value: unknown) => boolean;

/** A field's test: `here` is what the event holds at the field, `root` the whole event. */
type Test = (here: unknown, root: unknown) => boolean;

type Path = readonly string[];

/** Compiles a pattern. Throws an Error that names what EventBridge would refuse, or what is not supported here. */
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

/** A dot in a pattern's field name stands for a nested field. */
function compileField(names: Path, value: unknown, path: Path): Test {
  const [name, ...rest] = names as [string, ...string[]];
  const deeper = [...path, name];
  const test =
    rest.length > 0
      ? compileField(rest, value, deeper)
      : Array.isArray(value)
        ? compileLeaf(value, deeper)
        : compileObject(value, deeper);
  // In an array of objects, one and the same element must pass all of an object's fields: hence any element, then its fields.
  return (here, root) => objectsIn(here).some((object) => test(own(object, name), root));
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
  return (here, root) =>
    leavesIn(here).some((value) => tests.some((test) => test(value))) ||
    // Absence is asked of the whole event: no element of any array may have the field.
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
  const fold = (text: string) => (ignoringCase ? text.toLowerCase() : text);
  const wanted = fold(affix);
  return (value) =>
    typeof value === "string" &&
    (operator === "prefix" ? fold(value).startsWith(wanted) : fold(value).endsWith(wanted));
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
    throw new Error(`${where}: anything-but takes strings or numbers, not both and not none`);
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
  const wanted = text.toLowerCase();
  return (value) => typeof value === "string" && value.toLowerCase() === wanted;
}

/** `$or` is an operator only over two or more objects of fields; any other value makes it a field's name. */
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
  (here, root) =>
    // The fields of one object are asked of one element; a `$or` beside them too.
    objectsIn(here).some((object) => tests.every((test) => test(object, root)));

const anyOf =
  (tests: readonly Test[]): Test =>
  (here, root) =>
    tests.some((test) => test(here, root));

/** The objects to look for fields in; a field of what is no object is absent, as in an empty one. */
function objectsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (Array.isArray(value) && value.length > 0) return value.flatMap(objectsIn);
  return [isObject(value) ? value : {}];
}

/** The values to compare: arrays stand for each of their elements; objects have none. */
function leavesIn(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap(leavesIn);
  return isObject(value) ? [] : [value];
}

function leavesAt(value: unknown, [name, ...rest]: Path): readonly unknown[] {
  if (name === undefined) return leavesIn(value);
  return objectsIn(value).flatMap((object) => leavesAt(own(object, name), rest));
}

/** A field of its own: a pattern must not find what every object inherits. */
function own(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
