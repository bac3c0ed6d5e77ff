/**
 * What every port promises of its permanent errors.
 */

import { expect } from "vitest";
import { FerryError } from "../errors.ts";

/** Expects a permanent error that tells the operator what was attempted, on what, and what to do. */
export async function expectPermanent(
  call: Promise<unknown>,
  about: { code?: string; resource?: string } = {},
): Promise<void> {
  const error: unknown = await call.then(
    (value) => expect.fail(`expected a refusal, got ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FerryError)) throw error;
  expect(error.kind, error.message).toBe("permanent");
  if (about.code !== undefined) expect(error.code).toBe(about.code);
  expect(error.operation).not.toBe("");
  expect(error.resource).toContain(about.resource ?? "");
  expect(error.resource).not.toBe("");
  expect(error.message).not.toBe("");
  expect(error.hint).not.toBe("");
}
