import { posix } from "node:path";
import { isArchive } from "../../codecs/chain.ts";
import type { Slot } from "../../reader.ts";
import { shortLived } from "../../short-lived.ts";
import { fileTarget } from "./extract-slot.ts";

/** Slots that must be unpacked one after the other, in this order. */
export interface SlotGroup {
  readonly slots: readonly Slot[];
  /** Their targets; nothing outside of them is any business of this group. "" is the whole workenv. */
  readonly areas: readonly string[];
  /** Bytes that come out of them; a guess for slots where that was not signed. */
  readonly size: number;
}

/**
 * Groups of slots that can be unpacked at the same time, the largest first: two slots whose targets meet are in one
 * group. An archive may hold anything, so whoever unpacks a group must see to it that it stays in its areas.
 */
export function groupSlots(slots: readonly Slot[]): readonly SlotGroup[] {
  const placed = slots.filter(({ entry }) => !entry.selfRef).map((slot) => ({ slot, area: areaOf(slot) }));
  const isCrossing = crossingsOf(placed.map(({ area }) => area));
  // Who comes through a crossing points to the first who did, or to one who does: in the end all to the same one.
  const leaders = placed.map((_, i) => i);
  const leaderOf = (i: number): number => {
    let leader = i;
    while (leaders[leader] !== leader) leader = leaders[leader] as number;
    return leader;
  };
  const firstAt = new Map<string, number>();
  for (const [i, { area }] of placed.entries())
    for (const path of pathsTo(area).map(folded).filter(isCrossing)) {
      const [one, other] = [leaderOf(i), leaderOf(firstAt.get(path) ?? i)];
      leaders[Math.max(one, other)] = Math.min(one, other);
      firstAt.set(path, Math.min(one, other));
    }
  const members = Map.groupBy(placed.entries(), ([i]) => leaderOf(i));
  return [...members.values()]
    .map((group) => ({
      slots: group.map(([, { slot }]) => slot),
      areas: group.map(([, { area }]) => area),
      size: group.reduce((sum, [, { slot }]) => sum + sizeOf(slot), 0),
    }))
    .sort((a, b) => b.size - a.size);
}

/** Where a slot's content goes, in its shortest form. */
function areaOf(slot: Slot): string {
  const { operations } = slot.entry;
  const steps = posix.normalize(isArchive(operations) ? slot.entry.target : fileTarget(slot)).split("/");
  return steps.filter((step) => step !== "" && step !== ".").join("/");
}

const sizeOf = ({ entry, stored }: Slot): number => entry.originalSize ?? 4 * stored.size;

/**
 * Where areas meet: at the end of each, since what lies below belongs to it; and where some file systems take two names
 * for the same one, since who comes first decides about the spelling of the folder.
 */
function crossingsOf(areas: readonly string[]): (path: string) => boolean {
  const spellings = new Map<string, string>();
  const crossings = new Set(areas.map(folded));
  for (const path of areas.flatMap(pathsTo)) {
    const key = folded(path);
    const known = spellings.get(key) ?? path;
    spellings.set(key, known);
    if (known !== path) crossings.add(key);
  }
  return (path) => crossings.has(path);
}

/** "a/b" is reached through "", "a" and "a/b". */
function pathsTo(area: string): readonly string[] {
  const steps = area === "" ? [] : area.split("/");
  return ["", ...steps.map((_, i) => steps.slice(0, i + 1).join("/"))];
}

/** One spelling of all that some disk may take for the same path. */
export const folded = (path: string): string =>
  isAscii(path) ? path.toLowerCase() : path.normalize("NFKD").toUpperCase().toLowerCase();

const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

shortLived({ folded, isAscii });

/** Whether a path in its shortest form lies in one of the areas. */
export const isInAreas = (areas: readonly string[], path: string): boolean =>
  areas.some((area) => area === "" || path === area || path.startsWith(`${area}/`));
