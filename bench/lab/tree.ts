import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { writeTree } from "./content.ts";
import { type Lab, removeFolder } from "./lab.ts";
import { partOf, type SizedFile, totalOf } from "./part.ts";
import { said } from "./process.ts";
import { reasonOf } from "./skip.ts";

/** A folder with a program in it that says hello, for /bin/sh and for JavaScript runtimes. */
export interface Payload {
  /** Distinct for distinct content; part of file names. */
  readonly name: string;
  readonly dir: string;
  readonly files: number;
  readonly bytes: number;
}

export const HELLO_SH = "hello.sh";
export const HELLO_JS = "hello.js";

const HELLO = join(import.meta.dir, "hello");
const PINS = join(import.meta.dir, "python-tree.txt");

/** Whether there are files beside the programs. */
export const carriesMore = ({ files }: Payload): boolean => files > 2;

/** Only the program. */
export const helloPayload = (lab: Lab): Promise<Payload> =>
  lab.once("payload hello", () => withHello("hello", join(lab.dir, "payloads", "hello")));

/**
 * The whole tree: real Python packages of fixed versions, about 300 MB in 13 000 files; where they cannot be had, and in
 * quick runs, a generated one with files of such sizes. `lab.versions.tree` says which.
 */
export const treePayload = (lab: Lab): Promise<Payload> =>
  lab.once("payload tree", () => {
    const dir = join(lab.dir, "payloads", "tree");
    const kind = lab.quick ? generateTree(dir, 400, 8e6) : (existingTree(dir) ?? installTree(lab, dir));
    const payload = withHello("tree", dir);
    lab.versions["tree"] = `${kind}, ${payload.bytes} bytes in ${payload.files} files`;
    return payload;
  });

/** A part of the tree with about so many bytes. */
export const partPayload = (lab: Lab, bytes: number): Promise<Payload> =>
  lab.once(`payload ${bytes}`, async () => {
    const { dir: tree } = await treePayload(lab);
    const dir = join(lab.dir, "payloads", String(bytes));
    removeFolder(dir);
    const part = partOf(filesOf(tree), bytes).map(([path]) => path);
    copyFiles(tree, dir, part);
    return withHello(String(bytes), dir);
  });

/** Copies files of one folder into another. */
export function copyFiles(from: string, to: string, paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    copyFileSync(join(from, path), join(to, path));
  }
}

/** A generated payload; `write` writes it. */
export const madePayload = (lab: Lab, name: string, write: (dir: string) => void): Promise<Payload> =>
  lab.once(`payload ${name}`, () => {
    const dir = join(lab.dir, "payloads", name);
    removeFolder(dir);
    write(dir);
    return withHello(name, dir);
  });

const generateTree = (dir: string, files: number, bytes: number): string => {
  removeFolder(dir);
  writeTree(dir, files, bytes);
  return "generated, with files of such sizes as Python packages have";
};

/** Says of which kind the tree is that an earlier run has left, when it is the one wanted. */
function existingTree(dir: string): string | undefined {
  const note = `${dir}.txt`;
  return existsSync(note) && readFileSync(note, "utf8") === readFileSync(PINS, "utf8") ? REAL : undefined;
}

const REAL = "the Python packages of bench/lab/python-tree.txt";

function installTree(lab: Lab, dir: string): string {
  const packages = readFileSync(PINS, "utf8").replaceAll(/^#.*$/gm, "").trim().split(/\s+/);
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const platforms = ["manylinux_2_28", "manylinux_2_17", "manylinux2014"].flatMap((name) => [
    "--platform",
    `${name}_${machine}`,
  ]);
  const choice = [
    "--no-deps",
    "--only-binary=:all:",
    "--implementation",
    "cp",
    "--python-version",
    "3.11",
    ...platforms,
  ];
  const install = [
    "python3",
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-compile",
    ...choice,
    "--target",
    `${dir}.new`,
  ];
  try {
    lab.say(`installing ${packages.length} Python packages as the tree\n`);
    removeFolder(`${dir}.new`);
    mkdirSync(`${dir}.new`, { recursive: true });
    said({ command: [...install, ...packages], env: lab.env });
    removeFolder(dir);
    renameSync(`${dir}.new`, dir);
    writeFileSync(`${dir}.txt`, readFileSync(PINS));
    return REAL;
  } catch (error) {
    removeFolder(`${dir}.new`);
    lab.say(`the tree is generated: ${reasonOf(error)}\n`);
    return generateTree(dir, 13_000, 300e6);
  }
}

function withHello(name: string, dir: string): Payload {
  mkdirSync(dir, { recursive: true });
  for (const program of [HELLO_SH, HELLO_JS]) copyFileSync(join(HELLO, program), join(dir, program));
  const files = filesOf(dir);
  return { name, dir, files: files.length, bytes: totalOf(files) };
}

/** Every file below a folder with its size, by paths from there. */
export const filesOf = (dir: string): readonly SizedFile[] =>
  (readdirSync(dir, { recursive: true }) as string[]).flatMap((path) => {
    const facts = lstatSync(join(dir, path));
    return facts.isFile() ? [[path, facts.size] as const] : [];
  });
