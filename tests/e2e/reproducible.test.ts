import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openFileSource } from "../../format/io/byte-source.ts";
import { openPackage } from "../../format/reader.ts";

const MAIN = join(import.meta.dir, "..", "..", "builder", "cli", "main.ts");

/** In memory if there is such a place: there, folders list their files in the order in which they were made. */
const MEMORY = "/dev/shm";
const dir = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "flavor-test-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Every kind of slot: a folder, files, and each codec. */
const MANIFEST = `
[package]
name = "same"
version = "1.0"
description = "the same bytes, whoever packs it"
[execution]
command = "{workenv}/bin/tool {slot:0}"
env = { A = "1", B = "2" }
[[slots]]
source = "app"
exclude = ["**/*.tmp"]
TIMES
[[slots]]
source = "tool"
target = "bin/tool"
`;
const CODECS = ["raw", "gzip", "bzip2", "xz", "zstd", "tar|gzip", "tar|bzip2", "tar|xz", "tar"];
const slotsOf = (times: string): string =>
  MANIFEST.replace("TIMES", times) +
  CODECS.map((chain, i) => {
    const source = chain.startsWith("tar") ? "app" : "data";
    return `[[slots]]\nid = "${chain}"\nsource = "${source}"\ntarget = "more/${i}"\noperations = "${chain}"\n`;
  }).join("");

const DATA = Array.from({ length: 2_000 }, (_, i) => `${i * i} is the square of ${i}`).join("\n");
/** Names whose order differs between bytes, UTF-16 and locales; the folders are made by these files. */
const FILES = [
  "b/x",
  "b-c",
  "B",
  "a",
  "é",
  "z",
  "\uff21",
  "\u{1f4e6}",
  "ä",
  "deep/er/file",
  "I",
  "ı",
  "ignored.tmp",
];

interface Project {
  readonly name: string;
  /** In what order the files are made, and so lie in their folders. */
  readonly order: "forwards" | "backwards";
  /** Seconds since 1970 of all files. */
  readonly mtime: number;
  readonly keepTimes?: boolean;
}

/** The same project in a folder of its own: equal in content and modes, in nothing else. */
function make({ name, order, mtime, keepTimes = false }: Project): string {
  const root = join(dir, name);
  const files = order === "forwards" ? FILES : FILES.toReversed();
  const put = (path: string, content: string, mode: number) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
  for (const file of files) put(join("app", file), `content of ${file}`, 0o644);
  put("tool", "#!/bin/sh\n", 0o755);
  put("data", DATA, 0o644);
  put("launcher", "#!/bin/sh\nexit 0\n", 0o755);
  put("flavor.toml", slotsOf(keepTimes ? "keep_times = true" : ""), 0o644);
  if (process.platform !== "win32") symlinkSync("../a", join(root, "app", "b", "link"));
  for (const path of readdirSync(join(root, "app"), { recursive: true, withFileTypes: true })) {
    const absolute = join(path.parentPath, path.name);
    if (path.isDirectory()) chmodSync(absolute, 0o755);
    (path.isSymbolicLink() ? lutimesSync : utimesSync)(absolute, mtime, mtime);
  }
  return root;
}

interface Circumstances {
  readonly umask?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Seconds by which the clock of the packing process is wrong. */
  readonly clock?: number;
  readonly cwd?: string;
}

/** A module that moves the clock. */
const CLOCK = join(dir, "clock.ts");
writeFileSync(
  CLOCK,
  `const shift = Number(process.env["CLOCK"]) * 1000;
   const Real = Date;
   globalThis.Date = class extends Real {
     constructor(...args) { args.length === 0 ? super(Real.now() + shift) : super(...args); }
     static now() { return Real.now() + shift; }
   };
   export {};`,
);

/** Packs in a process of its own and gives the SHA-256 of the package. */
function pack(root: string, { umask = "022", env = {}, clock = 0, cwd = root }: Circumstances = {}) {
  const args = [
    "pack",
    root,
    "--launcher",
    join(root, "launcher"),
    "--key-seed",
    "s",
    "-p",
    "linux-x64",
    "--json",
  ];
  const flavor = [process.execPath, "--preload", CLOCK, MAIN, ...args];
  const command =
    process.platform === "win32" ? flavor : ["sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...flavor];
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", HOME: dir, CLOCK: String(clock), ...env },
  });
  expect([stderr.toString(), exitCode]).toEqual(["", 0]);
  const { packages } = JSON.parse(stdout.toString()) as { packages: [{ path: string; sha256: string }] };
  return packages[0];
}

const FIRST = make({ name: "first", order: "forwards", mtime: 1_000_000_000 });
const reference = pack(FIRST).sha256;

test("the clock of a process can be moved, or these tests would show nothing", () => {
  const script = "process.stdout.write(String(new Date().getFullYear() - new Date(0).getFullYear()))";
  const { stdout } = Bun.spawnSync([process.execPath, "--preload", CLOCK, "-e", script], {
    env: { CLOCK: String(3600 * 24 * 366 * 100) },
  });
  expect(Number(stdout.toString())).toBeGreaterThan(150);
});

describe("the same bytes", () => {
  const YEARS = 3600 * 24 * 365 * 10;
  const CIRCUMSTANCES: readonly [string, Circumstances][] = [
    ["once more", {}],
    ["years later", { clock: YEARS }],
    ["years before", { clock: -YEARS }],
    ["with a strict umask", { umask: "077" }],
    ["without a umask", { umask: "000" }],
    ["in another time zone", { env: { TZ: "Pacific/Kiritimati" } }],
    ["in another language", { env: { LC_ALL: "tr_TR.UTF-8", LANG: "tr_TR.UTF-8", LANGUAGE: "tr" } }],
    ["without a language", { env: { LC_ALL: "C" } }],
    ["from another folder", { cwd: "/" }],
    [
      "as another user",
      { env: { HOME: "/nowhere", USER: "somebody", LOGNAME: "somebody", HOSTNAME: "other" } },
    ],
  ];

  test.each(CIRCUMSTANCES)("%s", (_, circumstances) => {
    expect(pack(FIRST, circumstances).sha256).toBe(reference);
  });

  test("from another folder whose files were made at another time in another order", () => {
    const second = make({ name: "second é", order: "backwards", mtime: 1_234_567_890 });
    expect(pack(second, { clock: YEARS, umask: "077" }).sha256).toBe(reference);
  });

  test("which say nothing of this machine", async () => {
    using source = openFileSource(pack(FIRST).path);
    const { json } = await openPackage(source);
    const text = new TextDecoder().decode(json);
    for (const word of [dir, "first", process.env["HOSTNAME"]])
      if (word !== undefined && word !== "") expect(text).not.toContain(word);
  });
});

describe("other bytes", () => {
  test.each([
    ["content", (root: string) => writeFileSync(join(root, "app", "a"), "content of b")],
    ["mode", (root: string) => chmodSync(join(root, "app", "a"), 0o755)],
    ["name", (root: string) => writeFileSync(join(root, "app", "new"), "")],
  ])("for another %s of a file", (what, change) => {
    if (what === "mode" && process.platform === "win32")
      return void process.stderr.write("skipped: another mode of a file, Windows has none\n");
    const root = make({ name: `other ${what}`, order: "forwards", mtime: 1_000_000_000 });
    expect(pack(root).sha256).toBe(reference);
    change(root);
    expect(pack(root).sha256).not.toBe(reference);
  });

  test("SOURCE_DATE_EPOCH changes the timestamp, and what follows from it", async () => {
    const partsOf = async (epoch: string) => {
      using source = openFileSource(pack(FIRST, { env: { SOURCE_DATE_EPOCH: epoch } }).path);
      const { json, slots } = await openPackage(source);
      const { build, ...rest } = JSON.parse(new TextDecoder().decode(json));
      const { timestamp, ...buildRest } = build;
      return { timestamp, rest, buildRest, slots: slots.map(({ raw }) => raw) };
    };
    const [one, two] = [await partsOf("1700000000"), await partsOf("0")];
    expect([one.timestamp, two.timestamp]).toEqual([
      "2023-11-14T22:13:20+00:00",
      "1970-01-01T00:00:00+00:00",
    ]);
    expect({ ...two, timestamp: one.timestamp }).toEqual(one);
    const at2025 = { env: { SOURCE_DATE_EPOCH: String(Date.UTC(2025, 0, 1) / 1000) } };
    expect(pack(FIRST, at2025).sha256).toBe(reference);
  });

  test("for other times of the files, when a slot keeps them", () => {
    const kept = (name: string, mtime: number, order: Project["order"]) =>
      pack(make({ name, order, mtime, keepTimes: true })).sha256;
    const [one, same, later] = [
      kept("t1", 1e9, "forwards"),
      kept("t2", 1e9, "backwards"),
      kept("t3", 1e9 + 1, "forwards"),
    ];
    expect(same).toBe(one);
    expect(later).not.toBe(one);
    expect(one).not.toBe(reference);
  });
});
