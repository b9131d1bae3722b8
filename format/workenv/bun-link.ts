import { join } from "node:path";
import { doing } from "../io/fs.ts";
import { isFile, nodeFs, statusOf } from "../io/quick-files.ts";
import { linkText } from "../io/quick-links.ts";

/** What Bun runs as a script. */
export const SCRIPTS: readonly string[] = [".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx", ".jsx"];

/** The files with which a launcher acts as Bun. They lie in a workenv's bookkeeping. */
export const bunRuntimeOf = (directory: string) => ({
  /** A link to the launcher. Started under this name, its launcher is Bun: see `launcher/bun.ts`. */
  program: join(directory, "bun"),
  preload: join(directory, "preload.js"),
  bunfig: join(directory, "bunfig.toml"),
  tsconfig: join(directory, "tsconfig.json"),
  /** There when no script asks what only Bun itself can answer: see `asks-for-form.ts`. */
  unasked: join(directory, "unasked"),
});

/**
 * Whether the files are there that every start as Bun reads, and none was cut off. The link is made again by each start,
 * and who misses the last one only takes longer.
 */
export function hasBunFiles(directory: string): boolean {
  const { preload, bunfig, tsconfig } = bunRuntimeOf(directory);
  try {
    const written = statusOf(preload);
    return isFile(written) && written.size > 0 && isFile(statusOf(bunfig)) && statusOf(tsconfig).size > 0;
  } catch {
    return false;
  }
}

/**
 * The options with which a launcher is started as Bun. They keep it from what lies in the user's current directory: a
 * `preload` of its bunfig.toml, its .env, the paths of its tsconfig.json; and from installing packages that the
 * application forgot. An application asks for any of it with flags of its own, since the last one wins.
 */
export function bunOptions(directory: string, tsconfig?: string): readonly string[] {
  const files = bunRuntimeOf(directory);
  return [
    `--config=${files.bunfig}`,
    "--no-env-file",
    "--no-install",
    `--tsconfig-override=${tsconfig ?? files.tsconfig}`,
    `--preload=${files.preload}`,
  ];
}

/** Makes the link lead to the launcher where it is now; a package may have been moved since its last start. */
export function pointBunTo(directory: string, launcher: string): void {
  const { program } = bunRuntimeOf(directory);
  if (doing("look at", program, () => linkText(program)) === launcher) return;
  doing("link", program, () => {
    const { mkdirSync, renameSync, symlinkSync, unlinkSync } = nodeFs();
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const beside = `${program}.${crypto.randomUUID().slice(0, 8)}`;
    symlinkSync(launcher, beside);
    try {
      renameSync(beside, program);
    } catch (error) {
      unlinkSync(beside);
      throw error;
    }
  });
}

/** The same, where a start can do without it, as in a cache that cannot be written; whether the link leads there now. */
export function canPointBunTo(directory: string, launcher: string): boolean {
  try {
    pointBunTo(directory, launcher);
    return true;
  } catch {
    return false;
  }
}
