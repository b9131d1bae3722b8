import type { KeptSlot } from "../../slot-cache/upkeep.ts";
import type { Report } from "../io.ts";
import { formatSize } from "../../../format/size-text.ts";
import { columns, counted } from "./text.ts";

export interface CacheContent {
  /** Undefined when there is no build cache. */
  readonly folder: string | undefined;
  readonly slots: readonly KeptSlot[];
}

/** What is in the build cache, or what was removed from it: one line per slot, and a sum. */
export const cacheReport = (deed: "list" | "clean"): Report<CacheContent> => ({
  schema: `flavor.cache-${deed}/1`,
  text: ({ folder, slots }) =>
    [
      ...(slots.length === 0 || deed === "clean" ? [] : [rows(slots)]),
      folder === undefined
        ? "there is no build cache"
        : `${deed === "clean" ? "removed " : ""}${counted(slots.length, "slot")}, ${formatSize(sizeOf(slots))}, ${deed === "clean" ? "from" : "in"} ${folder}`,
    ].join("\n"),
  json: ({ folder, slots }) => ({
    cacheDir: folder ?? null,
    size: sizeOf(slots),
    slots: slots.map(({ key, size, versions, lastUsed }) => ({
      key,
      size,
      versions,
      lastUsed: new Date(lastUsed).toISOString(),
    })),
  }),
});

const rows = (slots: readonly KeptSlot[]): string =>
  columns(
    slots.map(({ key, size, versions, lastUsed }) => [
      key.slice(0, 16),
      formatSize(size),
      counted(versions, "version"),
      new Date(lastUsed).toISOString(),
    ]),
    ["left", "right", "right"],
  );

const sizeOf = (slots: readonly KeptSlot[]): number => slots.reduce((sum, { size }) => sum + size, 0);
