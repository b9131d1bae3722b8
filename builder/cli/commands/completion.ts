import type { Command } from "commander";
import type { Io } from "../io.ts";
import { examples } from "./examples.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

export function addCompletion(program: Command, io: Io): void {
  program
    .command("completion")
    .summary("print a script that completes commands and options")
    .description("Prints a script for a shell: the shell then completes the commands and options of flavor")
    .addArgument(program.createArgument("<shell>", "for which shell").choices([...SHELLS]))
    .addHelpText(
      "after",
      examples(
        "flavor completion bash > ~/.local/share/bash-completion/completions/flavor",
        "flavor completion zsh > ~/.zfunc/_flavor",
        "flavor completion fish > ~/.config/fish/completions/flavor.fish",
      ),
    )
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { completionFor } = await import("../completion.ts");
      io.out.write(completionFor(shell, program));
    });
}
