/**
 * The contract of permanent errors, for all ports.
 */

import { expect } from "vitest";
import { FerryError } from "../errors/errors.ts";

/** Expects a permanent error with an operation, a resource, a message and a hint. */
export async function expectPermanent(
  call: Promise<unknown>,
  expected: { code?: string; resource?: string } = {},
): Promise<void> {
  const error: unknown = await call.then(
    (value) => expect.fail(`expected a permanent error, got ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FerryError)) throw error;
  expect(error.kind, error.message).toBe("permanent");
  if (expected.code !== undefined) expect(error.code).toBe(expected.code);
  expect(error.operation).not.toBe("");
  expect(error.resource).toContain(expected.resource ?? "");
  expect(error.resource).not.toBe("");
  expect(error.message).not.toBe("");
  expect(error.hint).not.toBe("");
}
