import type { Command } from "commander";
import { type Io, type JsonOption, say, show } from "../io.ts";
import { examples } from "./examples.ts";

export function addInit(program: Command, io: Io): void {
  program
    .command("init")
    .summary("write a manifest to start from")
    .description(
      "Writes a flavor.toml with comments, and a first program where there is no src folder; replaces nothing",
    )
    .argument("[folder]", "where", ".")
    .option("--json", "print the result as one JSON document")
    .addHelpText(
      "after",
      examples("flavor init", "flavor init demo && cd demo && flavor pack && ./dist/demo.psp"),
    )
    .action(async (folder: string, flags: JsonOption) => {
      const { initProject } = await import("../init-project.ts");
      const { initReport } = await import("../reports/init.ts");
      const project = initProject(folder);
      show(io, initReport, project, flags);
      if (!project.isRunnable)
        say(io, "note: src has no main or index file: set execution.command in flavor.toml");
    });
}
