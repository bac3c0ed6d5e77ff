/**
 * Remembers the keys of lines in 12 bytes a slot, so that the keys of a long file fit into a worker's memory.
 */

/** The slots of one hash table. At most half of them are used, to keep searches short. */
const SLOTS_MAX = 2 ** 21;
const SLOTS_MIN = 2 ** 6;

export interface SeenKeys {
  /** Returns the remembered lines that may have this key. Adds `line`, a number above 0. */
  add(key: string, line: number): readonly number[];
}

/**
 * Opens a key memory for about `lines` lines. Of more than two million lines it remembers at least the last million: it has
 * two tables of a million lines, and drops the older one when the newer one is full.
 */
export function openSeenKeys(lines: number): SeenKeys {
  const slots = Math.min(SLOTS_MAX, Math.max(SLOTS_MIN, 2 ** Math.ceil(Math.log2(2 * Math.max(1, lines)))));
  let older: Table | undefined;
  let newer = openTable(slots);
  return {
    add(key, line) {
      const [high, low] = hashesOf(key);
      const found: number[] = [];
      older?.find(high, low, found);
      newer.find(high, low, found);
      if (newer.full()) {
        older = newer;
        newer = openTable(slots);
      }
      newer.insert(high, low, line);
      return found;
    },
  };
}

interface Table {
  /** Appends the lines with these hashes. */
  find(high: number, low: number, found: number[]): void;
  insert(high: number, low: number, line: number): void;
  full(): boolean;
}

/** A hash table with open addressing. An empty slot has line 0. */
function openTable(slots: number): Table {
  const highs = new Int32Array(slots);
  const lows = new Int32Array(slots);
  const lines = new Uint32Array(slots);
  const mask = slots - 1;
  let used = 0;
  return {
    find(high, low, found) {
      for (let at = low & mask; lines[at] !== 0; at = (at + 1) & mask)
        if (lows[at] === low && highs[at] === high) found.push(lines[at]!);
    },
    insert(high, low, line) {
      let at = low & mask;
      while (lines[at] !== 0) at = (at + 1) & mask;
      highs[at] = high;
      lows[at] = low;
      lines[at] = line;
      used++;
    },
    full: () => used >= slots / 2,
  };
}

/** A 64-bit hash of a string, as two 32-bit integers. Source of the mixing steps: MurmurHash3. */
function hashesOf(text: string): [high: number, low: number] {
  let high = 0x9747b28c;
  let low = 0x3c6ef372;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0xcc9e2d51);
    high = (high << 15) | (high >>> 17);
    low = Math.imul(low ^ unit, 0x1b873593);
    low = (low << 13) | (low >>> 19);
  }
  return [mix(high ^ Math.imul(low, 0xc2b2ae35)), mix(low ^ Math.imul(high, 0x85ebca6b))];
}

function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}
