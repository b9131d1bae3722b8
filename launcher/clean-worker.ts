import { setPriority } from "node:os";
import { cleanCaches } from "../format/cache/cleaning/clean.ts";
import { withTurn } from "../format/cache/cleaning/turn.ts";
import type { CleanOrder } from "./clean-order.ts";

const LOWEST = 19;

/** Cleans by an order, alone and in the background: it says nothing, whatever happens. The exit code. */
export async function runCleaning([text = ""]: readonly string[]): Promise<number> {
  try {
    if (process.platform !== "win32") setPriority(LOWEST);
    const { caches, maxAge, maxSize } = JSON.parse(text) as CleanOrder;
    const [first] = caches;
    if (first === undefined) return 0;
    const limits = { maxAge: limitOf(maxAge), maxSize: limitOf(maxSize), spare: "last used" } as const;
    await withTurn(first, async () => {
      await cleanCaches({ caches, limits, mode: "do" });
      return true;
    });
  } catch {
    // The next turn comes in a day.
  }
  return 0;
}

const limitOf = (limit: number | null): number => limit ?? Number.POSITIVE_INFINITY;
