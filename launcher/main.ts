import { basename } from "node:path";
import { exitCodeOf, renderError } from "../format/errors.ts";
import { bunCalled } from "./bun.ts";
import { become } from "./exec.ts";
import type { Invocation } from "./invocation.ts";
import { launch } from "./launch.ts";

/** The only file of the launcher that knows it is a process. */
const call: Invocation = {
  executable: process.execPath,
  package: process.execPath,
  argv0: process.argv0,
  args: process.argv.slice(2),
  env: process.env as Record<string, string>,
  cwd: () => process.cwd(),
  host: {
    os: process.platform === "win32" ? "windows" : process.platform,
    arch: process.arch === "x64" ? "amd64" : process.arch,
  },
};

try {
  const asBun = bunCalled(call);
  process.exit(asBun === undefined ? await launch(call) : await become(asBun, "exec"));
} catch (error) {
  process.stderr.write(`${renderError(error, basename(call.argv0))}\n`);
  process.exit(exitCodeOf(error));
}
