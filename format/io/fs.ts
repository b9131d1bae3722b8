import { PspfError } from "../errors.ts";

/** Advice for the errors that people can act on, by errno name. */
const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "free some space on that disk, or choose another place",
  EDQUOT: "your disk quota is used up",
  EACCES: "check the permissions of the file and its folder",
  EPERM: "check the permissions of the file and its folder",
  EROFS: "that file system is read-only: choose another place",
  ENOENT: "check the spelling; relative paths are relative to the current folder",
  ENOTDIR: "a part of that path is a file",
  EISDIR: "that is a folder, a file was expected",
  EMFILE: "raise the limit of open files (ulimit -n)",
};

/** Does one file-system deed; a failure says deed and path, gives advice and keeps its cause. */
export function doing<T>(deed: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw ioError(deed, path, cause);
  }
}

/** The same for work that ends later. */
export async function doingAsync<T>(deed: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw ioError(deed, path, cause);
  }
}

/** The folder that relative paths are relative to. Throws `io-failed` when it is there no longer. */
export function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new PspfError("io-failed", "Cannot find the current folder: it was removed", {
      hint: "change to a folder that is there",
    });
  }
}

export function ioError(deed: string, path: string, cause: unknown): PspfError {
  if (cause instanceof PspfError) return cause;
  const code = errnoOf(cause);
  const hint = code === undefined ? undefined : HINTS[code];
  return new PspfError("io-failed", `Cannot ${deed} ${path}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The errno name of a system error, such as "ENOENT". */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Whether nothing has that path: also below a file, as where `HOME` is `/dev/null`. */
export const isNothingThere = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "");
