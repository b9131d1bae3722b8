import { openFileSource } from "../../format/io/byte-source.ts";
import { openPackage } from "../../format/reader.ts";
import { ensureLauncher } from "../launchers/cache.ts";
import { hostTarget } from "../launchers/host.ts";
import type { Io } from "./io.ts";

/**
 * Lets this machine's launcher do something with a package, whatever launcher the package itself has: `run` or
 * `prepare`. Where the system allows it, this process becomes the launcher.
 */
export async function runHostLauncher(io: Io, pkg: string, words: readonly string[]): Promise<number> {
  // What is no package should not cost the making of a launcher, and is said in our words.
  {
    using source = openFileSource(pkg);
    await openPackage(source);
  }
  const { path } = await ensureLauncher(hostTarget(), { env: io.env });
  return io.become(path, ["--package", pkg, ...words], { ...io.env, FLAVOR_LAUNCHER_CLI: "1" });
}
