import type { SetupCommand } from "./metadata-types.ts";
import { memberPath, type Problems } from "./problems.ts";

const TYPES = ["execute", "enumerate_and_execute", "write_file", "chmod"] as const;
const DEFAULT_CHMOD = 0o700;

/**
 * One element of `setup_commands`. A plain string is run like `execute`, as FlavorPack's Go launcher does; other
 * types than the four are refused, because the reference's launchers disagree on what they would do.
 */
export function parseSetupCommand(value: unknown, path: string, problems: Problems): SetupCommand {
  if (typeof value === "string") return { type: "execute", command: value };
  const setup = problems.object(value, path);
  switch (problems.oneOf(setup, "type", path, TYPES)) {
    case "execute":
      return { type: "execute", command: problems.string(setup, "command", path) };
    case "enumerate_and_execute": {
      const enumerate = problems.object(setup["enumerate"], memberPath(path, "enumerate"));
      const at = memberPath(path, "enumerate");
      return {
        type: "enumerate_and_execute",
        command: problems.string(setup, "command", path),
        enumerate: {
          path: problems.string(enumerate, "path", at),
          pattern: problems.string(enumerate, "pattern", at),
        },
      };
    }
    case "write_file": {
      const mode = problems.octalMode(setup, "mode", path);
      return {
        type: "write_file",
        path: problems.string(setup, "path", path),
        content: problems.string(setup, "content", path),
        ...(mode === undefined ? {} : { mode }),
      };
    }
    case "chmod":
      return {
        type: "chmod",
        path: problems.string(setup, "path", path),
        mode: problems.octalMode(setup, "mode", path) ?? DEFAULT_CHMOD,
      };
  }
}
