import type { BuildRequest } from "./build.ts";
import type { Keeping } from "./slot-cache/slot-cache.ts";
import type { SlotInHand } from "./stored-slot.ts";
import { type KnownSlot, verifiedFor } from "./verify-written.ts";

/** A workenv has at most a million entries; so many in one package are counted again. */
const MANY_ENTRIES = 500_000;

/** What a build knows of the stored bytes: of what it made them, or whether an earlier build has verified them. */
export function knownSlots(
  about: BuildRequest["about"],
  slots: readonly SlotInHand[],
): ReadonlyMap<number, KnownSlot> {
  const isLarge = slots.reduce((sum, slot) => sum + entriesIn(slot), 0) > MANY_ENTRIES;
  const isVerified = ({ entry, found }: SlotInHand): boolean =>
    found?.cached?.version.verified === verifiedFor(entry.target, osOf(about));
  return new Map(
    slots.flatMap((slot) => {
      const { index, checksum } = slot.entry;
      if (checksum === undefined) return [];
      return [[index, { checksum, isVerified: !isLarge && isVerified(slot), frames: slot.made }]];
    }),
  );
}

const entriesIn = ({ found, made }: SlotInHand): number =>
  made?.reduce((sum, { entries }) => sum + (entries?.length ?? 0), 0) ?? found?.entries ?? 0;

/** Begins to give the cache what it did not have, from the package: to be committed when that was verified. */
export function keepSlots(
  { cache, verify, about }: BuildRequest,
  path: string,
  slots: readonly SlotInHand[],
): Keeping {
  const begun = slots.flatMap(({ entry, offset, size, originalSize, prints, found }) => {
    if (found === undefined || found.cached !== undefined || entry.checksum === undefined) return [];
    const verified = verify ? verifiedFor(entry.target, osOf(about)) : null;
    const written = { path, offset, size, originalSize, stored: entry.checksum, prints, verified };
    return cache?.keep(found, written) ?? [];
  });
  return {
    async commit() {
      for (const keeping of begun) await keeping.commit();
    },
    async [Symbol.asyncDispose]() {
      for (const keeping of begun) await keeping[Symbol.asyncDispose]();
    },
  };
}

/** The system that a package is for. */
const osOf = ({ build }: BuildRequest["about"]): string | undefined => build?.platform?.os;
