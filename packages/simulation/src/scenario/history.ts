/**
 * What each item was, and when: every text that it had, and the times at which it was absent.
 */

export type ItemHistory = ReturnType<typeof createHistory>;

/** A history in which every item is absent at first. */
export function createHistory() {
  const histories = new Map<string, { readonly text: string | undefined; readonly fromMs: number }[]>();
  const absent = [{ text: undefined, fromMs: Number.NEGATIVE_INFINITY }];
  return {
    /** From `fromMs` on the item is `text`; undefined: it is absent. Times must not fall. */
    record(name: string, text: string | undefined, fromMs: number) {
      const known = histories.get(name) ?? [...absent];
      histories.set(name, known);
      known.push({ text, fromMs });
    },
    /** Whether the item was `text` (undefined: absent) at a moment from `fromMs` to `untilMs`. */
    was(name: string, text: string | undefined, fromMs: number, untilMs: number) {
      const versions = histories.get(name) ?? absent;
      return versions.some((version, i) => {
        const endMs = versions[i + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
        return version.text === text && version.fromMs <= untilMs && endMs > fromMs;
      });
    },
    /** Every item that was present at any time. */
    names: () => [...histories.keys()],
  };
}
