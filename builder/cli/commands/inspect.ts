import type { Command } from "commander";
import { type Io, type JsonOption, show } from "../io.ts";
import { examples } from "./examples.ts";

interface InspectFlags extends JsonOption {
  readonly bytes?: true;
}

export function addInspect(program: Command, io: Io): void {
  program
    .command("inspect")
    .summary("say what a package is")
    .description("Shows name, sizes, seal, slots and command of a package, reading none of its slots")
    .argument("<package>", "path of a package")
    .option("--bytes", "show index and slot table field by field, with offsets in the file")
    .option("--json", "print the result as one JSON document")
    .addHelpText(
      "after",
      examples(
        "flavor inspect app.psp",
        "flavor inspect app.psp --bytes | less",
        "flavor inspect app.psp --json | jq .slots",
      ),
    )
    .action((path: string, flags: InspectFlags) => inspect(io, path, flags));
}

async function inspect(io: Io, path: string, flags: InspectFlags): Promise<void> {
  const { openFileSource } = await import("../../../format/io/byte-source.ts");
  const { openPackage } = await import("../../../format/reader.ts");
  const { inspectPackage, layoutOfPackage } = await import("../../inspect.ts");
  using source = openFileSource(path);
  const pkg = await openPackage(source);
  if (flags.bytes === true) {
    const { bytesReport } = await import("../reports/bytes.ts");
    return show(io, bytesReport, { source: path, layout: layoutOfPackage(pkg) }, flags);
  }
  const { inspectReport } = await import("../reports/inspect.ts");
  show(io, inspectReport, await inspectPackage(pkg), flags);
}
