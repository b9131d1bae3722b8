import { PspfError } from "../errors.ts";
import { faultOfName, ODD_STEP } from "../io/paths.ts";
import type { TreeWriter } from "../io/tree-writer.ts";
import { shortLived } from "../short-lived.ts";
import type { ByteStream } from "../types.ts";
import type { EntryFacts, EntrySink, TarLimits } from "./tar-entry.ts";
import { type TarParser, tarParser } from "./tar-parser.ts";

/** What an entry's name, without "./" in front and "/" behind, becomes in the tree; undefined leaves it out. */
export type Rename = (name: string) => string | undefined;

/**
 * A parser that writes everything it is given into a tree, synchronously. Throws `archive-invalid` for entries that
 * are neither files, directories nor links. `writer.finish` is the caller's: a tree may have many archives.
 */
export function tarUnpacker(writer: TreeWriter, rename: Rename, limits?: TarLimits): TarParser {
  return tarParser({ entry: (header) => placeEntry(header, writer, rename) }, limits);
}

/** Unpacks a whole archive. Flat memory: a piece of the input is written before the next one is asked for. */
export async function unpackTar(
  input: ByteStream,
  writer: TreeWriter,
  rename: Rename,
  limits?: TarLimits,
): Promise<void> {
  const unpacker = tarUnpacker(writer, rename, limits);
  for await (const piece of input) unpacker.push(piece);
  unpacker.end();
}

/** Makes what an entry says in a tree; returns where the body goes that it may have. Throws as `tarUnpacker` does. */
export function placeEntry(header: EntryFacts, writer: TreeWriter, rename: Rename): EntrySink | undefined {
  const path = rename(relativeName(header.name));
  if (path === undefined) return undefined;
  switch (header.kind) {
    case "file":
      return writer.openFile(path, header.mode, header.mtime);
    case "directory":
      writer.directory(path, header.mode);
      return undefined;
    case "symlink":
      writer.symlink(path, header.linkName);
      return undefined;
    case "hardlink": {
      const existing = rename(relativeName(header.linkName));
      if (existing === undefined) throw refused(header, "it is a link to an entry that is left out");
      writer.hardLinkAsCopy(path, existing);
      return undefined;
    }
    case "other":
      throw refused(header, "it is neither a file, a folder nor a link");
    default:
      return header.kind satisfies never;
  }
}

/** "./a/b/" is "a/b" and "./" is ".". Judged before a new name could hide a fault of the old one. */
function relativeName(name: string): string {
  const path = name.endsWith("/") ? name.slice(0, -1) : name;
  if (!ODD_STEP.test(path)) return path;
  const fault = faultOfName(name, { windows: false });
  if (fault !== undefined)
    throw new PspfError("path-escapes", `Cannot use the path ${JSON.stringify(name)}: ${fault}`);
  const steps = name.split("/").filter((step) => step !== "" && step !== ".");
  return steps.join("/") || ".";
}

shortLived({ placeEntry, relativeName });

const refused = (header: EntryFacts, state: string) =>
  new PspfError("archive-invalid", `Cannot unpack ${JSON.stringify(header.name)}: ${state}`);
