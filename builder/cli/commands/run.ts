import type { Command } from "commander";
import type { Io } from "../io.ts";
import { examples } from "./examples.ts";

export function addRun(program: Command, io: Io): void {
  program
    .command("run")
    .summary("run a package with this machine's launcher")
    .description(
      "Runs any PSPF package with this machine's launcher, also one that was built for another machine or by " +
        "FlavorPack. All that follows the package belongs to the application, and so does the exit code",
    )
    .argument("<package>", "path of a package")
    .argument("[args...]", "arguments of the application, options included")
    .passThroughOptions()
    .addHelpText(
      "after",
      examples("flavor run app.psp", "flavor run app.psp --help", "flavor run app.psp serve --port 80"),
    )
    .action(async (pkg: string, args: readonly string[]) => {
      const { runHostLauncher } = await import("../host-launcher.ts");
      io.exitCode = await runHostLauncher(io, pkg, ["run", ...args]);
    });
}
