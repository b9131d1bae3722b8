import { memberPath, type Problems } from "../../format/wire/problems.ts";
import { type DraftSetup, judge } from "./draft.ts";
import { faultOfCommand } from "./words.ts";
import { pathInWorkenv } from "./workenv-path.ts";

/** Globs stand in these paths, which Windows would not take as names. */
const ANY_NAME = { windows: false };

/** Commands must split into words; what is read and written must lie in the workenv. */
export function checkSetup(
  { at, commandAt, command }: DraftSetup,
  slotCount: number,
  problems: Problems,
): void {
  const path = memberPath(at, "path");
  switch (command.type) {
    case "execute":
      judge(problems, commandAt, faultOfCommand(command.command, slotCount));
      return;
    case "enumerate_and_execute": {
      const enumerateAt = memberPath(at, "enumerate");
      judge(problems, commandAt, faultOfCommand(command.command, slotCount));
      if (problems.hasAt(enumerateAt)) return;
      pathInWorkenv(command.enumerate.path, memberPath(enumerateAt, "path"), problems, ANY_NAME);
      const fault = command.enumerate.pattern === "" ? 'expected a glob such as "*.whl", got ""' : undefined;
      judge(problems, memberPath(enumerateAt, "pattern"), fault);
      return;
    }
    case "write_file":
      // The workenv itself cannot be written as a file.
      if (pathInWorkenv(command.path, path, problems) === "")
        judge(problems, path, `expected the path of a file, got ${JSON.stringify(command.path)}`);
      return;
    case "chmod":
      pathInWorkenv(command.path, path, problems, ANY_NAME);
      return;
    default:
      command satisfies never;
  }
}
