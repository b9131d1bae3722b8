import type { Command } from "../format/command/command.ts";
import { loadLibc } from "../format/io/libc.ts";
import type { Lease } from "../format/cache/locks/flock.ts";
import { startsBun } from "./bun.ts";
import { cannotStart } from "./cannot-start.ts";
import { inheritedFiles, linesOf, putBack } from "./caller.ts";
import type { LauncherOptions } from "./env.ts";
import type { Ending } from "./spawn.ts";

/**
 * Becomes the program: same process, nothing left of the launcher but the lease of its workenv, which the program and
 * its children hold as an open file. Where that is impossible (Windows) or not wanted (`FLAVOR_EXEC_MODE=spawn`), starts
 * it as a child, holds the lease together with it and returns its exit code. So it does where something is to be done
 * at the end.
 */
export function become(
  command: Command,
  mode: LauncherOptions["execMode"],
  lease?: Lease,
  atEnd?: () => Promise<void>,
): number | Promise<number> {
  const cannotExec = process.platform === "win32" || process.execve === undefined;
  if (mode === "spawn" || cannotExec || atEnd !== undefined) return runAsChild(command, lease, atEnd);
  const { program, env } = command;
  const argv = [program, ...command.args];
  const libc = loadLibc();
  // Bun ignores these two, and an ignored signal stays ignored in the program: `app | head` would not end.
  libc?.resetSignal(SIGPIPE);
  libc?.resetSignal(SIGXFSZ);
  if (lease !== undefined) libc?.keepOpen(lease.fd, inheritedFiles);
  if (inheritedFiles.length > 0) libc?.keepNumbers(inheritedFiles);
  putBack();
  const variables = linesOf(env, "for good");
  if (startsBun(variables)) libc?.openManyFiles();
  libc?.execve(program, argv, variables);
  try {
    return process.execve?.(program, argv, env) as never;
  } catch (cause) {
    throw cannotStart(program, cause);
  }
}

/** Stays as the parent of the program, and ends as that ends. */
async function runAsChild(
  command: Command,
  lease: Lease | undefined,
  atEnd: (() => Promise<void>) | undefined,
): Promise<number> {
  const [{ openParent }, { endLike }] = await Promise.all([import("./spawn.ts"), import("./end-like.ts")]);
  let ending: Ending;
  {
    using parent = openParent();
    ending = await parent.runApplication(command, lease);
    if (atEnd !== undefined) {
      lease?.[Symbol.dispose]();
      await atEnd();
    }
  }
  return endLike(ending);
}

const SIGPIPE = 13;
const SIGXFSZ = 25;
