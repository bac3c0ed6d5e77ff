import { expect, test } from "vitest";
import { chunksOf, gathered } from "./chunks.ts";

async function* streamOf(...parts: readonly number[][]) {
  for (const part of parts) yield Uint8Array.from(part);
}

test("the bytes of all chunks are gathered in order", async () => {
  expect(await gathered(streamOf([1, 2], [], [3], [4, 5, 6]))).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6));
});

test("an empty stream has no bytes", async () => {
  expect(await gathered(streamOf())).toEqual(new Uint8Array(0));
});

test("bytes become a stream of one chunk", async () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(bytes)) chunks.push(chunk);
  expect(chunks).toHaveLength(1);
  expect(chunks[0]).toBe(bytes);
});
