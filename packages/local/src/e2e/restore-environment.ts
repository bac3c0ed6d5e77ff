/** Restores the environment after each test file of the process: a host sets variables that another file's child processes would inherit. */
import { afterAll } from "vitest";

const before = { ...process.env };
afterAll(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});
