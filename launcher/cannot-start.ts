import { PspfError } from "../format/errors.ts";
import { errnoOf } from "../format/io/fs.ts";

const HINTS: Readonly<Record<string, string>> = {
  EACCES:
    "the file is not executable, or its disk does not allow programs: FLAVOR_CACHE can name another place",
  ENOEXEC: "it is a program for another machine, or a script whose first line does not start with #!",
  ENOENT: "the interpreter that it asks for is missing",
};

/** The failure of the system call that starts a program, with what people can do about it. */
export function cannotStart(program: string, cause: unknown): PspfError {
  const hint = HINTS[errnoOf(cause) ?? ""];
  return new PspfError("start-failed", `Cannot start ${program}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}
