import type { Command } from "commander";
import type { Io } from "../builder/cli/io.ts";
import { buildProgram } from "../builder/cli/program.ts";

/** The help of every command, groups in front of what is in them. */
export function commandsText(): string {
  const pieces: string[] = [];
  const output = {
    write: (more: string) => void pieces.push(more),
    paint: plain,
    isTerminal: false,
    columns: () => undefined,
  };
  const io: Io = {
    out: output,
    err: output,
    env: {},
    cwd: () => ".",
    confirm: undefined,
    askSecret: undefined,
    openBar: undefined,
    become: () => Promise.resolve(0),
    exitCode: 0,
  };
  const helpOf = (command: Command): string => {
    command.configureOutput({ getOutHelpWidth: () => 100 }).outputHelp();
    return pieces.splice(0).join("").trim();
  };
  return commandsOf(buildProgram(io))
    .map(({ path, command }) => `## ${path}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``)
    .join("\n\n");
}

const plain: Io["out"]["paint"] = (_, text) => text;

interface Named {
  readonly path: string;
  readonly command: Command;
}

const commandsOf = (command: Command, path = command.name()): readonly Named[] => [
  { path, command },
  ...command.commands.flatMap((child) => commandsOf(child, `${path} ${child.name()}`)),
];
