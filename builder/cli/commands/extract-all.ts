import { basename } from "node:path";
import type { Command } from "commander";
import { type Io, type JsonOption, openBarFor, show } from "../io.ts";
import { examples } from "./examples.ts";

export function addExtractAll(program: Command, io: Io): void {
  program
    .command("extract-all")
    .summary("write every slot and the metadata into a folder")
    .description(
      "Writes what each slot holds to <folder>/NN_id, and the signed JSON to <folder>/metadata.json",
    )
    .argument("<package>", "path of a package")
    .argument("<folder>", "the folder to make; one that is there must be empty")
    .option("--json", "print the result as one JSON document")
    .addHelpText(
      "after",
      examples("flavor extract-all app.psp ./app", "flavor extract-all app.psp ./app --json | jq .slots"),
    )
    .action(async (pkg: string, folder: string, flags: JsonOption) => {
      const { openFileSource } = await import("../../../format/io/byte-source.ts");
      const { openPackage } = await import("../../../format/reader.ts");
      const { extractAll } = await import("../../extract.ts");
      const { extractAllReport } = await import("../reports/extract-all.ts");
      const { contentSizeOf } = await import("../../../format/slot-limit.ts");
      using source = openFileSource(pkg);
      const opened = await openPackage(source);
      using bar = await openBarFor(io, flags);
      bar?.begin(`extracting ${basename(pkg)}`, () => contentSizeOf(opened.slots));
      const extracted = await extractAll(opened, folder, {
        onBytes: bar?.add,
        startThread: io.startThread?.unpack,
      });
      show(io, extractAllReport, { folder, extracted }, flags);
    });
}
