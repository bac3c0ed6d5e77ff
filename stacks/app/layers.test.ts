import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

/** The folders of stacks/ from top to bottom. A folder imports only from folders below it. */
const LAYERS = [
  "graph",
  "app",
  "monitoring",
  "functions",
  "schedules",
  "pipes",
  "permissions",
  "bus",
  "tables",
  "queues",
  "naming",
  "settings",
];

const stacks = path.resolve(import.meta.dirname, "..");
const files = globSync("*/**/*.ts", { cwd: stacks });
const folderOf = (file: string) => file.split(path.sep)[0]!;
/** The folders that a file imports from. */
const imported = (file: string) =>
  [...readFileSync(path.join(stacks, file), "utf8").matchAll(/^(?:import|export|\} from).*"(\.[^"]+)"/gm)]
    .map(([, specifier]) => path.relative(stacks, path.resolve(stacks, path.dirname(file), specifier!)))
    .filter((target) => !target.startsWith("..") && target.includes(path.sep))
    .map(folderOf);

test("given the folders of stacks/, then each is a layer", () => {
  expect([...new Set(files.map(folderOf))].sort()).toEqual([...LAYERS].sort());
});

test.each(LAYERS)("given the files of stacks/%s, then they import only from folders below it", (layer) => {
  const allowed = LAYERS.slice(LAYERS.indexOf(layer));
  const wrong = files
    .filter((file) => folderOf(file) === layer)
    .flatMap((file) =>
      imported(file)
        .filter((folder) => !allowed.includes(folder))
        .map((folder) => `${file} imports from ${folder}`),
    );
  expect(wrong).toEqual([]);
});
