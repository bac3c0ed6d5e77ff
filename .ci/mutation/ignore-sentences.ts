/**
 * A Stryker plugin that excludes sentences. Texts of three or more words are messages and hints, and emptying one shows
 * nothing about the tests of the logic. All other literals are mutated.
 */
import { declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

/** The fields of a node of Babel's syntax tree that this plugin reads. */
interface Node {
  readonly type: string;
  readonly value?: unknown;
  readonly quasis?: readonly { readonly value: { readonly raw: string } }[];
  readonly expressions?: readonly Node[];
}

const SENTENCE = /\S\s+\S+\s+\S/;
/** The expressions that a template may contain and still have no logic. */
const PLAIN = ["Identifier", "MemberExpression", "StringLiteral"];

function isSentence({ type, value, quasis = [], expressions = [] }: Node): boolean {
  if (type === "StringLiteral") return SENTENCE.test(value as string);
  if (type !== "TemplateLiteral") return false;
  const text = quasis.map((quasi) => quasi.value.raw).join("x");
  return SENTENCE.test(text) && expressions.every((inserted) => PLAIN.includes(inserted.type));
}

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, "sentences", {
    shouldIgnore: (path) => (isSentence((path as { node: Node }).node) ? "a sentence" : undefined),
  }),
];
