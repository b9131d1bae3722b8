import { REACTIONS } from "./bun-environment.ts";
import { table } from "./table.ts";

/** What becomes of all that Bun reacts to, as Markdown. */
export function environmentTable(): string {
  const rows = REACTIONS.map(({ does, variables = {}, files = {}, launcher, script }) => [
    [...Object.keys(variables), ...Object.keys(files)].map((name) => `\`${name}\``).join(" "),
    does,
    launcher,
    script,
  ]);
  return table(
    ["Variable or file", "What it does to a program of Bun", "to launchers", "to scripts of `{bun}`"],
    rows,
  );
}
