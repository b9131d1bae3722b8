import { PspfError } from "../format/errors.ts";
import { openFileSource } from "../format/io/byte-source.ts";
import type { Package, Slot } from "../format/reader.ts";
import { FLAVOR_VERSION } from "../format/spec.ts";
import { isValid, type Verification, verifyPackage } from "../format/verify.ts";
import type { PackageReading } from "../format/verifying/read-alone.ts";
import { readBeside } from "../format/verifying/read-beside.ts";
import { folded, groupSlots } from "../format/workenv/unpacking/slot-groups.ts";

/** To be raised when a verification begins to look at more: what was found good by less is looked at again. */
const THOROUGHNESS = 1;

/** How stored bytes were found good: by which verification, for which target, under the rules of which system. */
export const verifiedFor = (target: string, os: string | undefined): string =>
  JSON.stringify([FLAVOR_VERSION, Bun.revision, THOROUGHNESS, target, os ?? null]);

/**
 * Reads a package that was just written, and throws `build-failed` when anything is wrong with it. The stored bytes of the
 * slots that are `known`, by their numbers, were decoded by an earlier verification, which is not done again: they are
 * what they were then if they have the signed digest. `onBytes` is told of what was read.
 */
export async function verifyWritten(
  path: string,
  known: ReadonlySet<number>,
  onBytes?: (count: number) => void,
): Promise<void> {
  using source = openFileSource(path);
  const result: Verification = await verifyPackage(source, undefined, {
    onBytes,
    read: (pkg) => readUnknown(pkg, known),
  });
  if (isValid(result)) return;
  throw new PspfError("build-failed", "Cannot build the package: what was written does not verify", {
    problems: result.checks.filter((check) => !check.ok).map((check) => `${check.name}: ${check.detail}`),
    hint: "is the disk or its memory failing? otherwise this is a bug of flavor",
  });
}

function readUnknown(pkg: Package, known: ReadonlySet<number>): PackageReading {
  const reading = readBeside(pkg.source);
  const apart = new Set(slotsApart(pkg));
  return {
    ...reading,
    async enter(slot, tree) {
      const { checksum, originalSize } = slot.entry;
      const isKnown = known.has(slot.entry.index) && apart.has(slot);
      if (!isKnown || checksum === undefined || originalSize === undefined) return reading.enter(slot, tree);
      if ((await reading.digestOf(slot.stored)) !== checksum)
        throw new PspfError(
          "slot-checksum-mismatch",
          `slot ${slot.entry.index}: its SHA-256 is not the signed one`,
        );
      return originalSize;
    },
  };
}

/** Slots that meet nothing else of the package: whether they are good depends on nothing but themselves. */
function slotsApart({ slots, metadata }: Package): readonly Slot[] {
  const folders = metadata.workenv.directories.map(({ path }) => `${folded(path)}/`);
  return groupSlots(slots)
    .filter((group) => group.slots.length === 1)
    .filter(({ areas: [area = ""] }) => {
      const own = area === "" ? "" : `${folded(area)}/`;
      return !folders.some((folder) => folder.startsWith(own) || own.startsWith(folder));
    })
    .flatMap((group) => group.slots);
}
