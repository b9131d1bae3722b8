import { type ByteSource, memorySource, openFileSource } from "../format/io/byte-source.ts";
import type { Target } from "../format/platform.ts";
import { FLAVOR_VERSION } from "../format/spec.ts";
import type { Bytes } from "../format/types.ts";
import type { LauncherFacts } from "../format/wire/metadata-types.ts";
import { ensureLauncher, launcherPrints } from "./launchers/cache.ts";
import type { LauncherFile } from "./place-launcher.ts";

/** "bun": ours for the platform. "shebang": a line for machines that have `flavor`. Else a path, or the bytes. */
export type LauncherChoice = "bun" | "shebang" | (string & {}) | Bytes | ByteSource;

/** A launcher to put in front of a package, open until its scope ends. */
export interface ChosenLauncher extends Disposable {
  readonly source: ByteSource;
  /** Where it comes from, if that is a file. */
  readonly file?: LauncherFile;
  readonly tool: Pick<LauncherFacts, "tool" | "toolVersion">;
}

/** The whole of a launcher for machines that have `flavor`. */
export const SHEBANG = "#!/usr/bin/env -S flavor run\n";
const EXTERNAL = { tool: "external", toolVersion: "unknown" } as const;

/**
 * Opens the chosen launcher; ours is made sure of by `ensure`. A source that was given stays the giver's to close. Whoever
 * reads the file compares it with the digest that is noted.
 */
export async function openLauncher(
  choice: LauncherChoice,
  target: Target,
  ensure: typeof ensureLauncher = ensureLauncher,
): Promise<ChosenLauncher> {
  if (choice === "shebang") {
    const source = memorySource(new TextEncoder().encode(SHEBANG), "the shebang launcher");
    return keptOpen(source, { tool: "flavor-shebang", toolVersion: FLAVOR_VERSION });
  }
  if (choice === "bun") {
    const launcher = await ensure(target);
    const { path, sha256 } = launcher;
    return fromFile(
      { path, sha256, prints: launcherPrints(launcher) },
      { tool: `flavor-launcher-${target}`, toolVersion: FLAVOR_VERSION },
    );
  }
  if (typeof choice === "string") return fromFile({ path: choice }, EXTERNAL);
  return keptOpen(choice instanceof Uint8Array ? memorySource(choice, "the launcher") : choice, EXTERNAL);
}

const keptOpen = (source: ByteSource, tool: ChosenLauncher["tool"]): ChosenLauncher => ({
  source,
  tool,
  [Symbol.dispose]: () => {},
});

function fromFile(file: LauncherFile, tool: ChosenLauncher["tool"]): ChosenLauncher {
  const source = openFileSource(file.path);
  return { source, file, tool, [Symbol.dispose]: () => source[Symbol.dispose]() };
}
