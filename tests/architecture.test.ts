import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

// Who may import whom, and what the launcher loads before it knows what to do.

const ROOT = join(import.meta.dir, "..");
const PARTS = ["format", "launcher", "builder", "scripts", "bench", "tests"] as const;
type Part = (typeof PARTS)[number];

const files = PARTS.flatMap((part) =>
  [...new Bun.Glob("**/*.ts").scanSync(join(ROOT, part))].map((file) => `${part}/${file}`),
).sort();
/** Made for tests only: they may do what tests may. */
const isForTests = (file: string) =>
  /\.test\.ts$|^tests\/|\/(testing|fixture|golden)\.ts$|\.d\.ts$/.test(file);
const sources = files.filter((file) => !isForTests(file));

const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const transpiler = new Bun.Transpiler({ loader: "ts" });

interface Import {
  readonly path: string;
  readonly when: "always" | "on demand" | "for its types";
}

/** Everything that a file imports: what runs as Bun sees it, types by their text. */
function importsOf(file: string): readonly Import[] {
  // Bun 1.4.5 scans no file that begins with #!, though it runs them.
  const text = textOf(file).replace(/^#!.*/, "");
  const running = transpiler.scanImports(text).map(({ kind, path }): Import => {
    return { path, when: kind === "import-statement" ? "always" : "on demand" };
  });
  const typed = [...text.matchAll(/^(?:import|export) type [^;]*? from "([^"]+)"/gms)].map(
    ([, path = ""]): Import => ({ path, when: "for its types" }),
  );
  return [...running, ...typed];
}

const imports = new Map(files.map((file) => [file, importsOf(file)]));
const isOwn = (path: string) => path.startsWith(".");
const targetOf = (file: string, path: string) => normalize(join(dirname(file), path));
const partOf = (file: string) => file.split("/")[0] as Part;

/** Our own files that a file imports. */
const ownImports = (file: string, ...when: readonly Import["when"][]): readonly string[] =>
  (imports.get(file) ?? [])
    .filter((it) => isOwn(it.path) && when.includes(it.when))
    .map((it) => targetOf(file, it.path));

/** What a file needs at once that is not ours. */
const importedAlways = (file: string): readonly string[] =>
  (imports.get(file) ?? [])
    .filter(({ when, path }) => when === "always" && !isOwn(path))
    .map(({ path }) => path);

/** "node:fs" and "bun" are part of the runtime; everything else without a dot is a package. */
const packagesOf = (file: string): readonly string[] =>
  (imports.get(file) ?? [])
    .map(({ path }) => path)
    .filter((path) => !isOwn(path) && !/^(node:|bun(:|$))/.test(path))
    .map((path) =>
      path
        .split("/")
        .slice(0, path.startsWith("@") ? 2 : 1)
        .join("/"),
    );

test("there is something to look at, and imports are seen", () => {
  expect(sources.length).toBeGreaterThan(100);
  expect(ownImports("launcher/main.ts", "always")).toContain("launcher/launch.ts");
  expect(ownImports("launcher/ready.ts", "on demand")).toContain("launcher/prepare.ts");
  expect(ownImports("launcher/main.ts", "for its types")).toContain("launcher/invocation.ts");
  const unknown = offences((_, target) => target.endsWith(".ts") && !existsSync(join(ROOT, target)));
  expect(unknown).toEqual([]);
});

const MAY_IMPORT: Readonly<Record<Part, readonly string[]>> = {
  format: ["format"],
  launcher: ["launcher", "format"],
  builder: ["builder", "format"],
  scripts: ["scripts", "builder", "launcher", "format", "examples", "bench"],
  bench: ["bench", "builder", "format", "tests"],
  tests: [...PARTS, "examples"],
};

const ANY = ["always", "on demand", "for its types"] as const;
/** Imports that a rule forbids, as "file -> target". */
const offences = (isWrong: (file: string, target: string) => boolean): readonly string[] =>
  sources.flatMap((file) =>
    ownImports(file, ...ANY)
      .filter((target) => isWrong(file, target))
      .map((target) => `${file} -> ${target}`),
  );

test("every file imports only downhill, also types", () => {
  expect(offences((file, target) => !MAY_IMPORT[partOf(file)].includes(partOf(target)))).toEqual([]);
});

test("nothing that is shipped imports what was made for tests", () => {
  expect(
    offences((file, target) => partOf(file) !== "bench" && isForTests(target) && !target.endsWith(".d.ts")),
  ).toEqual([]);
});

test("format/wire knows bytes only: neither files nor packages", () => {
  const foreign = sources
    .filter((file) => file.startsWith("format/wire/"))
    .flatMap((file) => importedAlways(file).map((path) => `${file} -> ${path}`));
  expect(foreign.filter((line) => !line.endsWith(" -> node:path"))).toEqual([]);
});

/** All that a warm start loads. A module that joins costs every start; put it behind import() unless it must be here. */
const WARM_START = [
  "format/cache/layout.ts",
  "format/cache/location.ts",
  "format/cache/locks/flock.ts",
  "format/cache/ownership.ts",
  "format/command/command.ts",
  "format/command/environment.ts",
  "format/command/globs.ts",
  "format/command/program.ts",
  "format/command/template.ts",
  "format/command/words.ts",
  "format/errors.ts",
  "format/io/by-libc.ts",
  "format/io/durable.ts",
  "format/io/fs.ts",
  "format/io/last-bytes.ts",
  "format/io/libc.ts",
  "format/io/quick-files.ts",
  "format/io/quick-links.ts",
  "format/io/statx.ts",
  "format/io/text-bytes.ts",
  "format/io/write-whole.ts",
  "format/spec.ts",
  "format/trust/levels.ts",
  "format/wire/hashes.ts",
  "format/wire/package-id.ts",
  "format/wire/trailer.ts",
  "format/workenv/bun-link.ts",
  "format/workenv/entry.ts",
  "format/workenv/marker.ts",
  "format/workenv/mending/file-facts.ts",
  "launcher/bun.ts",
  "launcher/caller.ts",
  "launcher/cannot-start.ts",
  "launcher/env.ts",
  "launcher/exec.ts",
  "launcher/launch.ts",
  "launcher/log.ts",
  "launcher/main.ts",
  "launcher/ready.ts",
  "launcher/workenv.ts",
  "launcher/write-out.ts",
];

function closureOf(entry: string): readonly string[] {
  const found = new Set([entry]);
  for (const file of found) for (const target of ownImports(file, "always")) found.add(target);
  return [...found].sort();
}

describe("what the launcher loads at every start", () => {
  const closure = closureOf("launcher/main.ts");

  test("is this list", () => {
    expect(closure).toEqual(WARM_START);
  });

  test("needs node:path and nothing else that is not ours", () => {
    expect([...new Set(closure.flatMap(importedAlways))].sort()).toEqual(["node:path"]);
  });
});

const filesWith = (pattern: RegExp): readonly string[] =>
  sources.filter((file) => pattern.test(textOf(file)));

test("nobody writes to the console", () => {
  expect(filesWith(/\bconsole\s*\./)).toEqual([]);
});

/** The environment is read where a process begins, or is the default of an argument. */
const READS_ENVIRONMENT = [
  "bench/bare.ts",
  "bench/main.ts",
  "builder/cache-manager.ts",
  "builder/cli/main.ts",
  "builder/launchers/bundle.ts",
  "builder/launchers/cache.ts",
  "builder/launchers/compile-flags.ts", // the name only, as text for the compiler
  "builder/signing/ask.ts",
  "format/workenv/bun-runtime.ts", // in the text of the preload
  "launcher/main.ts",
  "launcher/run-inside.ts", // it becomes that of the script
  "scripts/demo.ts",
];

test("few files read the environment of the process", () => {
  expect(filesWith(/\bprocess\.env\b/)).toEqual(READS_ENVIRONMENT);
});

/** Each package behind few doors, so that it can be replaced. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  "tar-stream": /^format\/tar\/extended-header\.ts$/,
  "zstd-codec": /^format\/codecs\/zstd-portable\.ts$/,
  "@noble/ed25519": /^format\/seal\/(sign|sha512|verify-portable)\.ts$/,
  "smol-toml": /^builder\/manifest\/toml\.ts$/,
  commander: /^(builder\/cli\/|scripts\/commands-text\.ts$)/,
};

test("packages are used only where they belong", () => {
  const strays = sources.flatMap((file) =>
    packagesOf(file)
      .filter((name) => PACKAGES[name]?.test(file) !== true)
      .map((name) => `${file} -> ${name}`),
  );
  expect(strays).toEqual([]);
});

test("every package is used", () => {
  const used = new Set(sources.flatMap(packagesOf));
  expect([...used].sort()).toEqual(Object.keys(PACKAGES).sort());
  const { dependencies } = JSON.parse(textOf("package.json"));
  expect(Object.keys(dependencies).sort()).toEqual(Object.keys(PACKAGES).sort());
});

test("no file imports itself, by whatever way round", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (done.has(file) || path.includes(file)) return;
    for (const target of ownImports(file, "always")) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test("no file has more than 300 lines", () => {
  expect(sources.filter((file) => textOf(file).split("\n").length > 300)).toEqual([]);
});
