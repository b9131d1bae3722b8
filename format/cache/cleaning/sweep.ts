import { ioError } from "../../io/fs.ts";
import { removeTree } from "../../io/remove-tree.ts";
import type { CleanRequest, Failure } from "./clean.ts";
import { storeOf } from "../layout.ts";
import { abandonedStaging, keptStaging, sweepAbandoned, sweepLocks } from "./leftovers.ts";
import { measure, statOf } from "./measure.ts";
import { trashOf } from "./retire.ts";

/** Removes what interrupted work has left beside the entries, as far as nobody works on it. Bytes that are freed. */
export async function sweepLeftovers(
  cache: string,
  { mode, limits }: CleanRequest,
  onFailure: (failure: Failure) => void,
): Promise<number> {
  let freed = 0;
  const { trash } = storeOf(cache);
  try {
    for (const path of trashOf(cache)) {
      freed += sweepTree(path, mode, onFailure);
      globalThis.failPoint?.("trash-swept");
    }
    const kept = keptStaging(cache).filter((path) => isOld(path, limits));
    for (const path of [...(await abandonedStaging(cache)), ...kept])
      freed += sweepTree(path, mode, onFailure);
    if (mode === "do") {
      await sweepAbandoned(cache); // the locks that they had
      await sweepLocks(cache);
    }
  } catch (error) {
    onFailure({ path: trash, error: ioError("clean", trash, error) });
  }
  return freed;
}

/** What FLAVOR_KEEP_TEMP kept for a look has the same age limit as workenvs. */
const isOld = (path: string, limits: CleanRequest["limits"]): boolean =>
  limits === "everything" || Date.now() - (statOf(path)?.mtimeMs ?? 0) > limits.maxAge;

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
