/**
 * What the suites of all ports share: a host is opened before their tests and closed after them.
 */
import { afterAll, beforeAll, describe } from "vitest";

/** A host of a port, as its suite tests it. */
export interface Closable {
  close?(): Promise<void>;
}

/** Declares the suite of a port over a host. `declare` declares its tests; in them its argument returns the host. */
export function portSuite<Subject extends Closable>(
  port: string,
  host: string,
  open: () => Promise<Subject>,
  declare: (subject: () => Subject) => void,
): void {
  describe(`${port} over ${host}`, () => {
    let subject: Subject | undefined;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close?.());
    declare(() => subject!);
  });
}
