import { DAY } from "./budget.ts";
import type { StayReason } from "./clean-plan.ts";
import { storeOf, type WorkenvLayout } from "../layout.ts";
import { hasLeases } from "../locks/lock.ts";
import { hasUnsavedEdits } from "../../workenv/user-files/unsaved.ts";

/** Where nobody can say whether an application runs from an entry, it stays for so long after its last use. */
const GRACE = 7 * DAY;

/** Why cleaning must leave an entry alone, whatever the limits are; undefined when it may go. */
export function guardOf(layout: WorkenvLayout, lastUsed: number): StayReason | undefined {
  const { cache } = layout;
  if (!hasLeases(storeOf(cache).locks) && Date.now() - lastUsed < GRACE) return "unclear";
  return hasUnsavedEdits(layout) ? "edited" : undefined;
}
