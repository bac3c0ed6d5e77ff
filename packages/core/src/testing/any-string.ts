/**
 * For tests: strings of any code points.
 */
import * as fc from "fast-check";

/**
 * Strings of ASCII characters, some of which are names of JavaScript's objects, and strings of code points from `first` on. For its own
 * units of Unicode, fast-check makes a map of all characters, which takes a second of CPU time.
 */
export function anyString(first: number, constraints: fc.StringConstraints = {}): fc.Arbitrary<string> {
  const unit = fc
    .oneof(fc.integer({ min: first, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
    .map((codePoint) => String.fromCodePoint(codePoint));
  return fc.oneof(fc.string(constraints), fc.string({ ...constraints, unit }));
}
