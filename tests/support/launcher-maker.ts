/** A program that makes launchers: `<target> <folder> [entry]`. Says what it made as JSON. */
import { ensureLauncher } from "../../builder/launchers/cache.ts";
import { exitCodeOf, renderError } from "../../format/errors.ts";
import { isTarget } from "../../format/platform.ts";

const [target = "", cacheDir = "", entry] = process.argv.slice(2);
try {
  if (!isTarget(target)) throw new TypeError(`no target: ${target}`);
  const launcher = await ensureLauncher(target, { cacheDir, ...(entry === undefined ? {} : { entry }) });
  process.stdout.write(JSON.stringify(launcher));
} catch (error) {
  process.stderr.write(`${renderError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
