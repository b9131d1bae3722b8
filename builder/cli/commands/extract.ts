import type { Command } from "commander";
import { PspfError } from "../../../format/errors.ts";
import { type Io, openBarFor, say } from "../io.ts";
import { examples } from "./examples.ts";

interface ExtractFlags {
  readonly raw?: true;
  readonly force?: true;
}

export function addExtract(program: Command, io: Io): void {
  program
    .command("extract")
    .summary("unpack a package into the cache, or one slot to a place")
    .description(
      "Unpacks a package into the cache without running it and prints where; with a slot, writes what that slot " +
        "holds: an archive becomes a folder, anything else a file",
    )
    .argument("<package>", "path of a package")
    .argument("[slot]", "index or id of a slot")
    .argument("[output]", "the folder or file to write")
    .option("--raw", "write the slot's bytes as they are stored")
    .option("-f, --force", "replace a file; a folder that holds anything stays")
    .addHelpText(
      "after",
      examples(
        "flavor extract app.psp",
        "flavor extract app.psp 0 ./content",
        "flavor extract app.psp config app.toml --force",
      ),
    )
    .action((pkg: string, slot: string | undefined, output: string | undefined, flags: ExtractFlags) =>
      slot === undefined ? warm(io, pkg, flags) : extract(io, pkg, { slot, output, ...flags }),
    );
}

async function warm(io: Io, pkg: string, { raw, force }: ExtractFlags): Promise<void> {
  if (raw === true || force === true)
    throw new PspfError(
      "bad-arguments",
      "Cannot unpack into the cache: --raw and --force are about one slot",
      { hint: 'name a slot and an output, see "flavor extract --help"' },
    );
  const { runHostLauncher } = await import("../host-launcher.ts");
  io.exitCode = await runHostLauncher(io, pkg, ["prepare"]);
}

interface SlotRequest extends ExtractFlags {
  readonly slot: string;
  readonly output: string | undefined;
}

async function extract(io: Io, pkg: string, { slot: name, output, raw, force }: SlotRequest): Promise<void> {
  if (output === undefined)
    throw new PspfError(
      "bad-arguments",
      `Cannot extract slot ${JSON.stringify(name)}: the output is missing`,
      { hint: 'see "flavor extract --help"' },
    );
  const { openFileSource } = await import("../../../format/io/byte-source.ts");
  const { openPackage } = await import("../../../format/reader.ts");
  const { extractContent, extractStored, findSlot } = await import("../../extract.ts");
  using source = openFileSource(pkg);
  const opened = await openPackage(source);
  const slot = findSlot(opened, name);
  const { plain } = await import("../reports/text.ts");
  const { contentSizeOf } = await import("../../../format/slot-limit.ts");
  using bar = await openBarFor(io, {});
  bar?.begin(`extracting ${slot.entry.id}`, () => (raw === true ? slot.stored.size : contentSizeOf([slot])));
  await (raw === true ? extractStored : extractContent)(opened, slot, output, {
    replace: force === true,
    onBytes: bar?.add,
    startThread: io.startThread?.unpack,
  });
  say(io, `wrote slot ${slot.entry.index} (${plain(slot.entry.id)}) to ${output}`);
}
