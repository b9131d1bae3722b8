/** Compiles `flavor` to the path that is given, and prints the path of a launcher. */
import { join } from "node:path";
import { launcherBundle } from "../../builder/launchers/bundle.ts";
import { compileCli } from "../../builder/launchers/compile-cli.ts";
import { hostLauncher } from "../support/launcher.ts";

const entry = join(import.meta.dir, "..", "..", "builder", "cli", "main.ts");
await compileCli({ entry, outfile: process.argv[2] as string, bundle: await launcherBundle() });
process.stdout.write(await hostLauncher());
