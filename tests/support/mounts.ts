import { mkdirSync } from "node:fs";

const spawn = (...command: readonly string[]) => Bun.spawnSync([...command], { stderr: "pipe" });

/** A file system that is there until its scope ends. */
export function mounted(path: string, ...options: readonly string[]): Disposable & { readonly path: string } {
  mkdirSync(path, { recursive: true });
  const { exitCode, stderr } = spawn("mount", ...options, path);
  if (exitCode !== 0) throw new Error(`cannot mount ${path}: ${stderr}`);
  return { path, [Symbol.dispose]: () => void spawn("umount", "-l", path) };
}

/** Options of `mounted` for a file system in memory, with options of its own. */
export const tmpfs = (options: string): readonly string[] => ["-t", "tmpfs", "-o", options, "tmpfs"];

/** Why nothing can be mounted here; undefined when it can. */
export function cannotMount(scratch: string): string | undefined {
  if (process.platform !== "linux") return "mounts are tested on Linux only";
  if (process.getuid?.() !== 0) return "only root can mount file systems and give files away";
  try {
    mounted(scratch, ...tmpfs("size=64k"))[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
