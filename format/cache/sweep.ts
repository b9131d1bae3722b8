import { ioError } from "../io/fs.ts";
import { removeTree } from "../io/remove-tree.ts";
import type { CleanRequest, Failure } from "./clean.ts";
import { storeOf } from "./layout.ts";
import { abandonedStaging, keptStaging, sweepAbandoned, sweepLocks } from "./leftovers.ts";
import { measure, statOf } from "./measure.ts";
import { trashOf } from "./retire.ts";

/** Removes what interrupted work has left beside the entries, as far as nobody works on it. Bytes that are freed. */
export async function sweepLeftovers(
  cache: string,
  { mode, keptStaging: kept }: CleanRequest,
  onFailure: (failure: Failure) => void,
): Promise<number> {
  let freed = 0;
  const { trash } = storeOf(cache);
  try {
    for (const path of trashOf(cache)) {
      freed += sweepTree(path, mode, onFailure);
      globalThis.failPoint?.("trash-swept");
    }
    const staging = [...(await abandonedStaging(cache)), ...(kept === "goes" ? keptStaging(cache) : [])];
    for (const path of staging) freed += sweepTree(path, mode, onFailure);
    if (mode === "do") {
      await sweepAbandoned(cache); // the locks that they had
      await sweepLocks(cache);
    }
  } catch (error) {
    onFailure({ path: trash, error: ioError("clean", trash, error) });
  }
  return freed;
}

function sweepTree(path: string, mode: "do" | "say", onFailure: (failure: Failure) => void): number {
  const { size } = measure(path);
  try {
    if (mode === "do") removeTree(path);
    return size;
  } catch (error) {
    // Whoever put it there deletes it as well, maybe at the same time.
    if (statOf(path) === undefined) return size;
    onFailure({ path, error: ioError("remove", path, error) });
    return 0;
  }
}
