import type { Page } from "../archive/page.ts";

/** The items of a page, as JSON text. */
export function itemTexts({ body, bounds, count }: Page): string[] {
  const decoder = new TextDecoder();
  return Array.from({ length: count }, (_, i) =>
    decoder.decode(body.subarray(bounds[2 * i], bounds[2 * i + 1])),
  );
}
