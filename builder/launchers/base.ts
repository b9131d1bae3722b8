import { copyFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { doing } from "../../format/io/fs.ts";
import { openFileSource } from "../../format/io/byte-source.ts";
import { TARGETS, type Target } from "../../format/platform.ts";
import { TRAILER_SIZE } from "../../format/spec.ts";
import { checkIndex } from "../../format/wire/index-block.ts";
import { unframeIndex } from "../../format/wire/trailer.ts";
import { hostTarget } from "./host.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The executable that a launcher for `target` can be made of without a download: our own, for our own platform. Its
 * program is replaced, whether it is Bun or a compiled `flavor`. Undefined for other platforms: Bun gets those.
 */
export async function ownBase(target: Target, scratch: string): Promise<string | undefined> {
  return target === hostTarget() ? withoutPackage(process.execPath, scratch) : undefined;
}

/** The launcher alone, when the executable is a package: the compiler would carry the rest along. */
export async function withoutPackage(executable: string, scratch: string): Promise<string> {
  const size = await launcherSizeOf(executable);
  if (size === undefined) return executable;
  const path = join(scratch, "base");
  // Not Bun.write of a slice: Bun 1.4.5 copies the whole file.
  doing("write", path, () => {
    copyFileSync(executable, path);
    truncateSync(path, size);
  });
  return path;
}

async function launcherSizeOf(executable: string): Promise<number | undefined> {
  using source = openFileSource(executable);
  if (source.size < TRAILER_SIZE) return undefined;
  const block = unframeIndex(await source.read(source.size - TRAILER_SIZE, TRAILER_SIZE));
  return block === undefined ? undefined : checkIndex(block, source.size).launcher.size;
}

/**
 * The environment for a compiler that may have to download. Bun 1.4.5 gets executables of other platforms from the
 * public registry whatever `npm_config_registry` says, so a mirror is named in the one variable that it does heed.
 */
export function downloadEnvironment(target: Target, env: Environment): Environment {
  const tarball = env[TARBALL] ?? mirroredTarball(target, env);
  return tarball === undefined ? env : { ...env, [TARBALL]: tarball };
}

const TARBALL = "BUN_COMPILE_TARGET_TARBALL_URL";

function mirroredTarball(target: Target, env: Environment): string | undefined {
  const registry = env["BUN_CONFIG_REGISTRY"] ?? env["npm_config_registry"] ?? env["NPM_CONFIG_REGISTRY"];
  if (registry === undefined || registry === "") return undefined;
  // One build serves every x64 processor since 1.4; the suffix has no package of its own.
  const name = TARGETS[target].bun.replace("arm64", "aarch64").replace(/-baseline$/, "");
  return `${registry.replace(/\/+$/, "")}/@oven/${name}/-/${name}-${Bun.version}.tgz`;
}
