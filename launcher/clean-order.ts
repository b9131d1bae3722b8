import type { Budget } from "../format/cache/cleaning/budget.ts";

/** What the launcher is called with to clean: for itself only, and nothing that a person needs. */
export const CLEAN_COMMAND = "clean-cache";

/** Where to clean, first the place whose turn it is, and how much may stay. No limit is null: it passes through JSON. */
export type CleanOrder = { readonly caches: readonly string[] } & {
  readonly [Limit in keyof Budget]: number | null;
};
