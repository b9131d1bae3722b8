import { afterAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import type { Io } from "../builder/cli/io.ts";
import { buildProgram } from "../builder/cli/program.ts";
import { parseManifest } from "../builder/manifest/manifest.ts";
import { fillTemplate } from "../format/command/template.ts";
import { EXIT_CODES } from "../format/errors.ts";

const ROOT = join(import.meta.dir, "..");
const DOCS = join(ROOT, "docs");
const scratch = mkdtempSync(join(tmpdir(), "flavor-docs-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

const filesOf = (pattern: string): readonly string[] =>
  [...new Bun.Glob(pattern).scanSync({ cwd: ROOT })]
    .filter((path) => !/(^|\/)(node_modules|dist|build)\//.test(path))
    .sort();

const documents = filesOf("**/*.md");

const generate = (...args: readonly string[]) => {
  const command = [process.execPath, join(ROOT, "scripts", "docs.ts"), ...args];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: scratch });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
};

describe("the generated parts", () => {
  test("are current: otherwise run bun scripts/docs.ts", () => {
    expect(generate("--check")).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test.each([
    ["format.md", "| 1376 | 8 | bytes | `package_id` |", "| 1384 | 8 | bytes | `package_id` |"],
    ["format.md", "| 48 | 8 | u64 | `checksum` |", "| 40 | 8 | u64 | `checksum` |"],
    ["format.md", "| 0x1b | zstd | compression | yes |", "| 0x1b | zstd | compression | no |"],
    [
      "security.md",
      "| the signer is revoked | refuse | refuse | warn | skip | skip |",
      "| the signer is revoked | refuse | warn | warn | skip | skip |",
    ],
    ["manifest.md", "| `linux-arm64` | linux | arm64 |", ""],
    ["errors.md", "| 107 | ", "| 108 | "],
    ["cli.md", "--key-seed <text>", "--seed <text>"],
    ["performance.md", "| /bin/true |", "| /bin/false |"],
    ["performance/cold.svg", "First start against", "Last start against"],
  ])("are noticed in %s when %j is not what stands there, and put right", (name, right, wrong) => {
    const folder = mkdtempSync(join(scratch, "docs-"));
    cpSync(DOCS, folder, { recursive: true });
    const path = join(folder, name);
    const document = readFileSync(path, "utf8");
    expect(document).toContain(right);
    writeFileSync(path, document.replace(right, wrong));
    expect(generate("--check", folder)).toEqual({
      exitCode: 1,
      stdout: `not current, run bun scripts/docs.ts: ${path}\n`,
      stderr: "",
    });
    expect(generate(folder).exitCode).toBe(0);
    expect(readFileSync(path, "utf8")).toBe(document);
  });
});

describe("links", () => {
  /** As code forges make anchors of headings. */
  const anchorsOf = (path: string): readonly string[] =>
    [...prose(readFileSync(path, "utf8")).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, "")
        .replaceAll(" ", "-"),
    );
  const links = documents.flatMap((path) =>
    [...prose(read(path)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^[a-z]+:/.test(link))
      .map((link) => [path, link] as const),
  );

  test("are found at all", () => {
    expect(links.length).toBeGreaterThan(30);
  });

  test.each(links)("%s leads to %s", (path, link) => {
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? join(ROOT, path) : join(ROOT, dirname(path), file);
    expect(existsSync(target)).toBe(true);
    if (anchor !== undefined && statSync(target).isFile()) expect(anchorsOf(target)).toContain(anchor);
  });
});

describe("commands", () => {
  const program = buildProgram(silentIo());
  const calls = documents.flatMap((path) =>
    callsIn(read(path)).map((words) => [path, words.join(" ")] as const),
  );

  test("are found at all", () => {
    expect(calls.length).toBeGreaterThan(20);
  });

  test.each(calls)("%s says: flavor %s", (_, call) => {
    const [name = "", ...rest] = call.split(" ");
    let last = childOf(program, name);
    expect(last?.name()).toBe(name);
    // A group may be named as such, and have groups.
    for (const word of rest) {
      if (last === undefined || last.commands.length === 0) break;
      last = childOf(last, word);
      expect(last?.name()).toBe(word);
    }
    // what follows the package of "run" is the application's
    const words = name === "run" ? [] : rest;
    const known = last?.options.flatMap(({ short, long }) => [short, long]) ?? [];
    for (const option of words.filter((word) => /^--?[a-z]/.test(word)))
      expect([...known, "--help"]).toContain(option.replace(/=.*/, ""));
  });
});

describe("errors.md", () => {
  const sections = new Map(
    [...read("docs/errors.md").matchAll(/^### (\S+)\n\nExit code (\d+)\./gm)].map(
      ([, code = "", exit]) => [code, Number(exit)] as const,
    ),
  );

  test("has a section for each code, with its exit code, and no other", () => {
    expect(Object.fromEntries(sections)).toEqual(EXIT_CODES);
  });

  test("has its sections under the heading of their exit code, in the order of the table", () => {
    const exits = [...read("docs/errors.md").matchAll(/^(?:## (\d+)|### (\S+))/gm)];
    let group = 0;
    for (const [, heading, code] of exits)
      if (heading !== undefined) group = Number(heading);
      else expect([code, sections.get(code ?? "")]).toEqual([code, group]);
    expect([...sections.keys()]).toEqual(Object.keys(EXIT_CODES));
  });
});

describe("manifest.md", () => {
  const blocksOf = (language: string): readonly string[] =>
    [...read("docs/manifest.md").matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
      ([, block = ""]) => block,
    );
  const manifests = [
    ...blocksOf("toml").map((text, i) => ["flavor.toml", i, text] as const),
    ...blocksOf("json").map((text, i) => ["manifest.json", i, text] as const),
  ];

  test.each(manifests)("has a valid %s, example %i", (name, _, text) => {
    const folder = mkdtempSync(join(scratch, "manifest-"));
    for (const [, source = ""] of text.matchAll(/"?source"?\s*[=:]\s*"([^"]+)"/g))
      if (source.includes("/")) {
        mkdirSync(dirname(join(folder, source)), { recursive: true });
        writeFileSync(join(folder, source), "");
      } else mkdirSync(join(folder, source));
    expect(parseManifest(text, join(folder, name)).package.name).not.toBe("");
  });

  test("shows every key of a manifest in its example", () => {
    const [, all = ""] = blocksOf("toml");
    const keys = [...read("builder/manifest/toml.ts").matchAll(/(\w+): true/g)].map(([, key = ""]) => key);
    const other = [
      "enumerate",
      "resolution",
      "keep_times",
      "include",
      "pattern",
      "check_file",
      "expected_content",
    ];
    expect(keys.length).toBeGreaterThan(25);
    for (const key of keys)
      if (other.includes(key)) expect(read("docs/manifest.md")).toContain(key);
      else if (!["command", "primary"].includes(key)) expect(all).toContain(key);
  });

  test("lists every placeholder, and each is one", () => {
    const scope = {
      workenv: "!",
      packageName: "!",
      version: "!",
      slots: ["!"],
      primarySlot: 0,
      os: "!",
      arch: "!",
      bun: "!",
      file: "!",
    };
    const listed = [...read("docs/manifest.md").matchAll(/^\| (`\{[^|]+\}`(?:, `\{[^|]+\}`)*) \|/gm)].flatMap(
      ([, cell = ""]) => cell.match(/\{[^}]+\}/g) ?? [],
    );
    const filled = listed.map((name) => fillTemplate(name.replace("slot:N", "slot:0"), scope));
    expect(filled.every((text) => /^!(_!)?$/.test(text))).toBe(true);
    const known = [...read("format/command/template.ts").matchAll(/case "(\w+)":/g)].map(
      ([, name]) => `{${name}}`,
    );
    expect(listed.toSorted()).toEqual(["{slot:N}", ...known].toSorted());
  });
});

test("every variable that the programs read or set is documented, and no other is", () => {
  const namesIn = (paths: readonly string[]): readonly string[] => [
    ...new Set(paths.flatMap((path) => read(path).match(/\bFLAVOR_[A-Z_]+\b/g) ?? [])),
  ];
  const sources = filesOf("{format,launcher,builder}/**/*.ts").filter(
    (path) => !/test|fixture|golden/.test(path),
  );
  // a constant of the source, not a variable of the environment
  const inSources = namesIn(sources).filter((name) => name !== "FLAVOR_VERSION");
  expect(namesIn(documents.filter((path) => path.startsWith("docs/"))).toSorted()).toEqual(
    inSources.toSorted(),
  );
});

/** A document without its blocks of code. */
function prose(document: string): string {
  return document.replace(/^```[\s\S]*?^```$/gm, "");
}

/** The words after "flavor" wherever code begins so: in a block, at the start of a line or of a help text's example. */
function callsIn(document: string): readonly (readonly string[])[] {
  const blocks = [...document.matchAll(/^```[\s\S]*?^```$/gm)].flatMap(([block]) =>
    block.split("\n").slice(1, -1),
  );
  const spans = [...prose(document).matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  return [...blocks, ...spans].flatMap((line) => {
    const call = /^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*\/)?flavor ([a-z][^#|&;>]*)/.exec(line)?.[1];
    return call === undefined ? [] : [call.trim().split(/\s+/)];
  });
}

const childOf = (command: Command, name: string): Command | undefined =>
  name === "help" ? command.createCommand("help") : command.commands.find((child) => child.name() === name);

function silentIo(): Io {
  const output: Io["out"] = {
    write: () => {},
    paint: (_, text) => text,
    isTerminal: false,
    columns: () => undefined,
  };
  return {
    out: output,
    err: output,
    env: {},
    cwd: () => ROOT,
    confirm: undefined,
    askSecret: undefined,
    openBar: undefined,
    become: () => Promise.resolve(0),
    exitCode: 0,
  };
}
