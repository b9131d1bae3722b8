import { DROPPED } from "../../format/io/fail-point.ts";
import { LAUNCHER_OPTIONS } from "../../format/workenv/bun-runtime.ts";
import { TARGETS, type Target } from "../../format/platform.ts";

/** What both steps say: modules that stay apart, so that what is loaded late is not parsed at every start. */
const MODULES = ["--format=esm", "--minify", "--splitting"] as const;

/** Leaves out of a bundle what only tests need. */
export const DROP_FOR_SHIPPING: readonly string[] = DROPPED.map((call) => `--drop=${call}`);

/** The arguments of Bun that make the launcher's sources a bundle in `outdir`. */
export const bundleArguments = (
  entry: string,
  outdir: string,
  more: readonly string[] = [],
): readonly string[] => [
  "build",
  "--target=bun",
  ...MODULES,
  "--entry-naming=[name].[ext]",
  "--chunk-naming=[name]-[hash].[ext]",
  // Without these two, the environment of whoever builds would decide about the bytes.
  "--env=disable",
  '--define=process.env.NODE_ENV="production"',
  // A launcher always runs on Bun: what is only for other engines stays out, 0.7 MB of it (format/codecs/registry.ts).
  '--define=globalThis.Bun="there"',
  ...more,
  `--outdir=${outdir}`,
  entry,
];

/**
 * Flags of `bun build` that make the bundle an executable, each with its reason. `strip` is never used on the
 * result: a stripped executable is the plain Bun CLI.
 */
const FLAGS = [
  "--compile",
  ...MODULES,
  "--bytecode", // no parsing at the start: together with splitting about 4 ms instead of 21
  // By default a compiled program reads files of the folder that its user happens to be in, and runs the `preload`
  // of a bunfig.toml there before its own first line.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-tsconfig", // off by default, said so that it stays off
  "--compile-autoload-package-json", // a script that the launcher goes on as finds its packages by these
  `--compile-exec-argv=${LAUNCHER_OPTIONS.join(" ")}`,
] as const;

/** The name of the executable in its own virtual file system: a part of the bytes, so it is always the same. */
export const outfileOf = (target: Target): string =>
  TARGETS[target].os === "windows" ? "launcher.exe" : "launcher";

/** The arguments of Bun that compile `entry` for `target`, in front of `base` or, without one, of what Bun gets. */
export const compileArguments = (target: Target, entry: string, base?: string): readonly string[] => [
  "build",
  ...FLAGS,
  `--target=${TARGETS[target].bun}`,
  `--outfile=${outfileOf(target)}`,
  ...(base === undefined ? [] : [`--compile-executable-path=${base}`]),
  entry,
];
