/**
 * The items of runs have the properties that checks rely on.
 */

import { isDeepStrictEqual } from "node:util";
import { readKey } from "@ferry/memory/item-key";
import { describe, expect, it } from "vitest";
import { rngOf } from "../cloud/scheduler.ts";
import { createHistory } from "./history.ts";
import { itemsOf } from "./items.ts";
import { scenarioOf } from "./scenario-of.ts";

describe("the items of a seed", () => {
  it("have distinct keys that are valid in a table, and names from which their numbers are found", () => {
    for (let seed = 0; seed < 60; seed++) {
      const scenario = scenarioOf(rngOf(seed, 0));
      const items = itemsOf(scenario);
      const names = new Set<string>();
      for (let n = 0; n < 60; n++) {
        const text = items.text(n, "v");
        const name = items.nameOf(text);
        names.add(name);
        const { json } = readKey(new TextEncoder().encode(text), scenario.data.keys);
        // Thousands of items: a matcher for each would take most of the time.
        if (items.numberOf(name) !== n || !isDeepStrictEqual(json, items.key(n)))
          expect.fail(`seed ${seed}: the item ${text} has the number ${items.numberOf(name)}, not ${n}`);
      }
      expect(names.size).toBe(60);
    }
  });
});

describe("an item's history", () => {
  it("returns whether the item had a text at a moment of an interval", () => {
    const history = createHistory();
    history.record("a", "1", 10);
    history.record("a", undefined, 20);
    history.record("a", "2", 30);
    expect(history.was("a", undefined, 0, 9)).toBe(true);
    expect(history.was("a", "1", 0, 9)).toBe(false);
    expect(history.was("a", "1", 0, 10)).toBe(true);
    expect(history.was("a", "1", 19, 19)).toBe(true);
    expect(history.was("a", "1", 20, 40)).toBe(false);
    expect(history.was("a", undefined, 25, 26)).toBe(true);
    expect(history.was("a", undefined, 30, 99)).toBe(false);
    expect(history.was("a", "2", 99, 99)).toBe(true);
    expect(history.was("b", undefined, 0, 1)).toBe(true);
    expect(history.names()).toEqual(["a"]);
  });
});
