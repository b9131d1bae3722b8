import type { Lock } from "../cache/lock.ts";
import type { Package } from "../reader.ts";
import { checkFiles } from "./check.ts";
import { factsInCopy, isOfCopy } from "./copied.ts";
import type { EnsureRequest } from "./ensure.ts";
import type { Marker } from "./marker.ts";
import { writeMarker, writeRecord } from "./record.ts";
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
  if (isOfCopy(marker, layout)) {
    const copied = factsInCopy(marker, pkg.metadata, layout, files);
    if (copied === undefined) return false;
    writeRecord(pkg, request, { files: copied, slots: marker.slots, created: marker.created });
    return true;
  }
  const { missing, truncated } = checkFiles(layout.content, files);
  const damaged = [...missing, ...truncated];
  if (damaged.length === 0 && marker.durable && marker.digest === request.digest) {
    writeMarker(layout, { ...marker, seal: request.seal, source: request.source, suspect: false });
    return true;
  }
  let mended: readonly IndexedFile[] = [];
  if (damaged.length > 0) {
    // Until all is back, every start must look at everything: this one may be killed in between.
    writeMarker(layout, { ...marker, suspect: true });
    globalThis.failPoint?.("suspected");
    const back = await repairFiles(pkg, layout, damaged).catch(() => undefined); // making anew says what is wrong
    if (back === undefined) return false;
    mended = back;
    globalThis.failPoint?.("repaired");
  }
  making.confirm();
  writeRecord(pkg, request, {
    files: replaced(files, mended),
    slots: marker.slots,
    created: marker.created,
  });
  return true;
}

function replaced(files: readonly IndexedFile[], mended: readonly IndexedFile[]): readonly IndexedFile[] {
  if (mended.length === 0) return files;
  const byPath = new Map(mended.map((file) => [file[0], file]));
  return files.map((file) => byPath.get(file[0]) ?? file);
}
