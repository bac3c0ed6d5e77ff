/**
 * Checks of the documents against the repository.
 */
import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseRequest } from "@ferry/core/request/request";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const read = (path: string) => readFile(join(root, path), "utf8");
const documents: string[] = [];
for await (const path of glob(["*.md", "docs/**/*.md", "packages/*/README.md"], { cwd: root }))
  documents.push(path);

test.each(documents)("%s: every linked file exists", async (path) => {
  const links = [...(await read(path)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!.split("#")[0]!);
  const files = links.filter((link) => link !== "" && !/^https?:/.test(link));
  expect(files.filter((file) => !existsSync(join(root, dirname(path), file)))).toEqual([]);
});

test.each(documents)("%s: every named npm script exists", async (path) => {
  const named = (await read(path)).matchAll(/npm run ([a-z:-]*[a-z])(?:.* --workspace (\S+))?/g);
  for (const [, name, workspace = "."] of named) {
    const { scripts } = JSON.parse(await read(join(workspace.replaceAll("`", ""), "package.json")));
    expect(scripts).toHaveProperty([name!]);
  }
});

test("README: the example request is valid", async () => {
  const [, detail] = /"Detail": ("\{\\"request.*\}")\n/.exec(await read("README.md"))!;
  const { request } = JSON.parse(JSON.parse(detail!));
  expect(
    parseRequest(request, { requestTimeMs: 0, maximumSegments: 1000, compression: "gzip" }),
  ).toHaveProperty("request");
});

test("README: the table of fields has exactly the fields of a request", async () => {
  const rows = [
    ...(await read("README.md")).matchAll(/^\| (`.*?) \| (required|optional|backup|restore) \|/gm),
  ];
  const named = rows.flatMap(([, names]) => [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const schema = JSON.parse(await read("docs/request.schema.json"));
  const fields = schema.oneOf.flatMap((one: { properties: object }) => Object.keys(one.properties));
  expect(named.sort()).toEqual([...new Set(fields)].sort());
});

test("ARCHITECTURE: every path of the layout exists", async () => {
  const [, layout] = /## Layout\n+```\n([\s\S]*?)```/.exec(await read("ARCHITECTURE.md"))!;
  const paths: string[] = [];
  let folder = "";
  for (const line of layout!.split("\n")) {
    const isInside = line.startsWith(" ");
    const names = line.split(/\s+/).filter((word) => /^[\w./-]+(\/|\.ts)$/.test(word));
    if (!isInside) folder = names[0] ?? folder;
    paths.push(...names.map((name, at) => join(isInside || at > 0 ? folder : "", name)));
  }
  expect(paths.length).toBeGreaterThan(25);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("docs/README: every page is listed", async () => {
  const text = await read("docs/README.md");
  const pages: string[] = [];
  for await (const path of glob("*", { cwd: join(root, "docs") })) pages.push(path);
  expect(pages.filter((page) => page !== "README.md" && !text.includes(`](${page})`))).toEqual([]);
});

test("every package has a README and the repository's version, which the CHANGELOG dates", async () => {
  const { version, devDependencies } = JSON.parse(await read("package.json"));
  for await (const path of glob("packages/*/package.json", { cwd: root })) {
    expect(existsSync(join(root, dirname(path), "README.md")), dirname(path)).toBe(true);
    const manifest = JSON.parse(await read(path));
    const ferryPackages = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([name]) => name.startsWith("@ferry/"),
    );
    expect(
      [manifest.version, ...ferryPackages.map(([, required]) => required)].every((one) => one === version),
      path,
    ).toBe(true);
  }
  expect(await read("CHANGELOG.md")).toMatch(new RegExp(`^## ${version} - \\d{4}-\\d\\d-\\d\\d$`, "m"));
  expect((await read(".nvmrc")).trim()).toBe(devDependencies.node);
});

test("docs/glossary: terms are sorted, one per line", async () => {
  const terms = [...(await read("docs/glossary.md")).matchAll(/^\| ([^|]+) \| [^|]+ \|$/gm)].map(
    ([, term]) => term!,
  );
  const named = terms.filter((term) => term !== "term" && term !== "---");
  expect(named.length).toBeGreaterThan(30);
  expect(named).toEqual(named.toSorted((a, b) => a.localeCompare(b)));
});
