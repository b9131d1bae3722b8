import { isArchive } from "../codecs/chain.ts";
import { PspfError } from "../errors.ts";
import { type ImaginedTree, openImaginedTree } from "../io/imagined-tree.ts";
import { rulesFor } from "../io/paths.ts";
import type { Package, Slot } from "../reader.ts";
import { checkSupported } from "../wire/operations.ts";
import { planSlots } from "../workenv/lifecycles/slot-plan.ts";
import { completeTree } from "../workenv/unpacking/unpack.ts";
import { attempt, type Check } from "./check.ts";
import type { PackageReading } from "./read-alone.ts";

/**
 * Launcher and slots, each slot in the tree that a start would make of it: of those that are unpacked together, in one
 * tree.
 */
export async function contentChecks(pkg: Package, reading: PackageReading): Promise<readonly Check[]> {
  const { metadata, slots } = pkg;
  const platform = metadata.build?.platform;
  const imagine = () => openImaginedTree({ rules: rulesFor(platform?.os) });
  const shared = imagine();
  const plan = planSlots(metadata, { host: platform ?? { os: "", arch: "" }, dev: false });
  const checks: Check[] = [await attempt("launcher", () => checkLauncher(pkg, reading))];
  for (const slot of slots) {
    const tree = plan.withWorkenv.includes(slot.entry.index) ? shared : imagine();
    checks.push(await attempt(`slot ${slot.entry.index}`, () => checkSlot(slot, reading, tree)));
  }
  const folders = await attempt("folders", async () => {
    completeTree(metadata, shared);
    return `${metadata.workenv.directories.length} folders`;
  });
  return folders.ok ? checks : [...checks, folders];
}

async function checkLauncher({ index, metadata }: Package, reading: PackageReading): Promise<string> {
  const { size } = index.launcher;
  const facts = metadata.launcher;
  if (facts === undefined) return `${size} bytes; the metadata names no checksum`;
  if ((await reading.digestOf(index.launcher)) !== facts.checksum)
    throw new PspfError("launcher-checksum-mismatch", "its SHA-256 is not the signed one");
  return `${facts.tool} ${facts.toolVersion}, ${size} bytes, SHA-256 matches`;
}

/** The stored bytes, what they would become in `tree`, and whether the table tells its size right. */
async function checkSlot(slot: Slot, reading: PackageReading, tree: ImaginedTree): Promise<string> {
  const { entry, raw, stored } = slot;
  if (entry.selfRef) return `${entry.id}: the package itself`;
  checkSupported(entry.operations);
  const entriesBefore = tree.entries;
  const originalSize = await reading.enter(slot, tree);
  // FlavorPack's Go and Rust builders write the stored size.
  if (![originalSize, stored.size].some((size) => raw.originalSize === BigInt(size)))
    throw new PspfError(
      "slot-table-mismatch",
      `slot ${entry.index}: it unpacks to ${originalSize} bytes, not ${raw.originalSize}`,
    );
  const content = isArchive(entry.operations)
    ? `${tree.entries - entriesBefore} entries`
    : `${originalSize} bytes`;
  return `${entry.id}: ${stored.size} bytes stored, SHA-256 matches, ${content}`;
}
