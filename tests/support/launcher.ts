import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseManifest } from "../../builder/manifest/manifest.ts";
import { type PackOptions, packManifest } from "../../builder/pack.ts";
import { compiledLauncher } from "./compiled.ts";

/** Path of our launcher, compiled for this machine: made once, shared by all tests. */
export const hostLauncher = async (): Promise<string> => (await compiledLauncher()).path;

/** Files by relative path. Those that start with `#!` become executable. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export function writeFiles(dir: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const target = join(dir, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
    if (typeof content === "string" && content.startsWith("#!")) chmodSync(target, 0o755);
  }
}

/** A real package in `dir`, made from a `flavor.toml` and the files that it names. Returns the package's path. */
export async function packApp(
  dir: string,
  manifest: string,
  files: Files,
  options: PackOptions = {},
): Promise<string> {
  writeFiles(dir, files);
  const [packed] = await packManifest(parseManifest(manifest, join(dir, "flavor.toml")), {
    launcher: await hostLauncher(),
    verify: false, // of more than 100 MB each; the tests of the builder do it
    ...options,
  });
  if (packed === undefined) throw new Error("nothing was packed");
  return packed.path;
}

/** A `flavor.toml` with one slot: the folder `app`, unpacked to `{workenv}/app`. */
export const oneFolder = (name: string, command: string, more = ""): string => `
[package]
name = "${name}"
version = "1.0"
[execution]
command = ${JSON.stringify(command)}
[[slots]]
id = "app"
source = "app"
target = "app"
${more}`;

export interface RunOptions {
  /** Added to the clean environment; a variable that is undefined is not there. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Becomes HOME, with the cache inside; `home` beside the package when not given. */
  readonly home?: string;
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  /** What ended it, when a signal did. */
  readonly signal: string | null;
}

/** Where `runPackage` has the cache of a package. */
export const cacheOf = (packagePath: string): string => join(dirname(packagePath), "home", "cache");

/** The environment that `runPackage` gives: no variable of the tests' own process reaches a package. */
export const cleanEnv = (home: string): Readonly<Record<string, string>> => ({
  HOME: home,
  FLAVOR_CACHE: join(home, "cache"),
  PATH: "/usr/local/bin:/usr/bin:/bin",
  LC_ALL: "C.UTF-8",
});

export function startPackage(path: string, args: readonly string[], options: RunOptions = {}) {
  const home = options.home ?? join(dirname(path), "home");
  mkdirSync(home, { recursive: true });
  const env = { ...cleanEnv(home), ...options.env };
  return Bun.spawn([path, ...args], {
    cwd: options.cwd ?? home,
    env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    stdin: options.stdin === undefined ? "ignore" : new TextEncoder().encode(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Runs an executable to its end. */
export async function runPackage(
  path: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Ran> {
  const child = startPackage(path, args, options);
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const { exitCode, signalCode } = child;
  return { stdout, stderr, exitCode, signal: signalCode === null ? null : String(signalCode) };
}
