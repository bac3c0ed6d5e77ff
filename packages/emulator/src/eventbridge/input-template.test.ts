import { inputTemplate, pipes, routes } from "@ferry/core/topology";
import { expect, test } from "vitest";
import { compilePipeTemplate, compileRuleTemplate } from "./input-template.ts";

test("a rule's template inserts the whole event", () => {
  const render = compileRuleTemplate('{"failsAs":"X","event":<aws.events.event.json>}');
  // A detail may contain a replacement pattern or a placeholder: it is inserted as it is.
  const event = { id: "1", detail: { text: 'quotes " and $& and <$.id>' } };
  expect(JSON.parse(render(event))).toEqual({ failsAs: "X", event });
});

test("a rule's template refuses other placeholders", () => {
  expect(() => compileRuleTemplate('{"name":<aws.events.rule-name>}')).toThrow("<aws.events.rule-name>");
});

test.each<[string, string, unknown, string]>([
  ["a string is inserted without quotes", "<$.a>", { a: "x" }, "x"],
  ["a string is not escaped", '"<$.a>"', { a: 'say "x"' }, '"say "x""'],
  ["a number", "<$.a>", { a: 1.5 }, "1.5"],
  ["a boolean", "<$.a>", { a: false }, "false"],
  ["null", "<$.a>", { a: null }, "null"],
  [
    "an object is inserted as JSON, its strings escaped",
    "<$.a>",
    { a: { b: 'say "x"' } },
    '{"b":"say \\"x\\""}',
  ],
  ["an array", "<$.a>", { a: [1, "x"] }, '[1,"x"]'],
  ["a missing path is an empty string", '{"a":"<$.a.b>"}', {}, '{"a":""}'],
  ["a path through a string is missing", '"<$.a.b>"', { a: "x" }, '""'],
  ["an inherited property is missing", '"<$.constructor>"', {}, '""'],
  ["a hyphen in a name", "<$.body.event.detail-type>", { body: { event: { "detail-type": "T" } } }, "T"],
  ["the same path twice", "<$.a><$.a>", { a: "x" }, "xx"],
  ["inserted text is not expanded again", "<$.a>", { a: "<$.b> $&", b: "no" }, "<$.b> $&"],
])("a Pipe's template: %s", (_, template, record, text) => {
  expect(compilePipeTemplate(template)(record)).toBe(text);
});

test("a Pipe's template refuses other paths", () => {
  expect(() => compilePipeTemplate("<$.a[0]>")).toThrow('"$.a[0]" is not supported here');
  expect(() => compilePipeTemplate("<aws.pipes.pipe-name>")).toThrow("aws.pipes.pipe-name");
});

test("every template of the topology compiles", () => {
  for (const route of Object.values(routes)) compileRuleTemplate(inputTemplate(route));
  for (const pipe of Object.values(pipes)) compilePipeTemplate(pipe.inputTemplate ?? "");
});
