import { ioError } from "../io/fs.ts";
import { removeTree } from "../io/remove-tree.ts";
import type { Failure } from "./clean.ts";
import { trashOf } from "./evict.ts";
import { storeOf } from "./layout.ts";
import { measure, statOf } from "./measure.ts";
import { sweepStaging } from "./staging.ts";

/** Removes what interrupted work has left beside the entries, as far as nobody works on it. Bytes that are freed. */
export async function sweepLeftovers(
  cache: string,
  mode: "do" | "say",
  onFailure: (failure: Failure) => void,
): Promise<number> {
  let freed = 0;
  const { staging, trash } = storeOf(cache);
  try {
    for (const path of trashOf(cache)) freed += sweepGrave(path, mode, onFailure);
    if (mode === "do") {
      const { size } = measure(staging);
      await sweepStaging(cache);
      freed += Math.max(0, size - measure(staging).size);
    }
  } catch (error) {
    onFailure({ path: trash, error: ioError("clean", trash, error) });
  }
  return freed;
}

function sweepGrave(path: string, mode: "do" | "say", onFailure: (failure: Failure) => void): number {
  const { size } = measure(path);
  try {
    if (mode === "do") removeTree(path);
    globalThis.failPoint?.("trash-swept");
    return size;
  } catch (error) {
    // Whoever put it there deletes it as well, maybe at the same time.
    if (statOf(path) === undefined) return size;
    onFailure({ path, error: ioError("remove", path, error) });
    return 0;
  }
}
