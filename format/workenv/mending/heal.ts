import type { Lock } from "../../cache/locks/lock.ts";
import { PspfError } from "../../errors.ts";
import type { Package } from "../../reader.ts";
import { writeBunRuntime } from "../bun-runtime.ts";
import { isRuntimeIntact } from "../exact/bun-files.ts";
import { checkFiles } from "./check.ts";
import { factsInCopy, isOfCopy } from "./copied.ts";
import type { EnsureRequest } from "../ensure.ts";
import { isWhereItWas } from "../entry.ts";
import type { Marker } from "../marker.ts";
import { judgementOf, writeMarker, writeRecord } from "../record.ts";
import { listOf } from "./file-list.ts";
import { repairFiles } from "./repair.ts";
import { type IndexedFile, readStatIndex } from "./stat-index.ts";

/**
 * Looks at every file of a workenv, puts back what is missing or cut off, and lets the marker count again. False when
 * that cannot be: then the workenv must be made anew. The caller holds the lock for making.
 */
export async function heal(
  pkg: Package,
  request: EnsureRequest,
  marker: Marker,
  making: Lock,
): Promise<boolean> {
  const { layout } = request;
  const files = readStatIndex(layout);
  if (files === undefined) return false;
  if (!isWhereItWas(marker, layout) && pkg.metadata.setupCommands.length > 0) return false;
  if (!isRuntimeIntact(pkg.metadata, layout)) writeBunRuntime(layout.bun, request.launcher);
  if (isOfCopy(marker, layout)) {
    const copied = factsInCopy(marker, pkg.metadata, layout, files);
    if (copied === undefined) return false;
    writeRecord(pkg, request, { files: listOf(copied), slots: marker.slots, created: marker.created });
    return true;
  }
  const { missing, truncated } = checkFiles(layout.content, files);
  const damaged = [...missing, ...truncated];
  const { slots, created } = marker;
  if (damaged.length === 0) {
    making.confirm();
    noteIfPossible(() => {
      const now = { ...judgementOf(request), source: request.source, place: layout.content };
      if (marker.durable && marker.digest === request.digest)
        writeMarker(layout, { ...marker, ...now, suspect: false });
      else writeRecord(pkg, request, { files: listOf(files), slots, created });
    });
    return true;
  }
  // Until all is back, every start must look at everything: this one may be killed in between.
  writeMarker(layout, { ...marker, suspect: true });
  globalThis.failPoint?.("suspected");
  const mended = await repairFiles(pkg, layout, damaged, request.progress).catch(() => undefined); // making anew says what is wrong
  if (mended === undefined) return false;
  globalThis.failPoint?.("repaired");
  making.confirm();
  writeRecord(pkg, request, { files: listOf(replaced(files, mended)), slots, created });
  return true;
}

/** Notes that nothing is missing. Where that cannot be written, as on a full disk, the next start looks again. */
function noteIfPossible(note: () => void): void {
  try {
    note();
  } catch (error) {
    if (!(error instanceof PspfError && error.code === "io-failed")) throw error;
  }
}

function replaced(files: readonly IndexedFile[], mended: readonly IndexedFile[]): readonly IndexedFile[] {
  const byPath = new Map(mended.map((file) => [file[0], file]));
  return files.map((file) => byPath.get(file[0]) ?? file);
}
