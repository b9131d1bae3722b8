import { openTreeWriter } from "../../io/tree-writer.ts";
import type { Metadata } from "../../wire/metadata-types.ts";
import { folded } from "./slot-groups.ts";
import { completeTree, type Unpacked } from "./unpack.ts";
import type { Done, DoneFrame } from "./unpack-worker.ts";

/**
 * Completes the tree that threads have written: links, the folders that the package asks for, and the modes of folders.
 * Throws where the threads may have written another tree than one alone would have.
 */
export function mergeReports(metadata: Metadata, reports: readonly Done[], root: string): Unpacked {
  const frames = reports.flatMap((report) => report.frames).sort((a, b) => a.job - b.job);
  refuseDoubles(frames);
  refuseSpellings([...reports, ...frames].flatMap(({ folders }) => folders.map(([path]) => path)));
  using writer = openTreeWriter(root, { company: "others" });
  for (const { folders } of reports) for (const [path, mode] of folders) writer.directory(path, mode);
  // What an archive says of a folder counts, not what a thread made of it that needed it before; the last word counts most.
  for (const { folders } of frames) for (const [path, mode] of folders) writer.directory(path, mode);
  for (const { links } of frames) for (const [path, target] of links) writer.symlink(path, target);
  completeTree(metadata, writer);
  return { owners: ownersOf(reports, frames) };
}

/** Two entries with one path, or with two that some disks take for one: which one was written last, nobody knows. */
function refuseDoubles(frames: readonly DoneFrame[]): void {
  const seen = new Set<string>();
  for (const { files, links } of frames)
    for (const path of [...files, ...links.map(([link]) => link)].map(folded)) {
      if (seen.has(path)) throw new Error(`${JSON.stringify(path)} is there twice`);
      seen.add(path);
    }
}

/** Of two folders that some disks take for one, a single thread would refuse the second. */
function refuseSpellings(folders: readonly string[]): void {
  const spellings = new Map<string, string>();
  for (const path of folders) {
    const known = spellings.get(folded(path)) ?? path;
    if (known !== path)
      throw new Error(`${JSON.stringify(path)} is spelled ${JSON.stringify(known)} as well`);
    spellings.set(folded(path), path);
  }
}

/** What is noted of several slots, such as ".", belongs to the last one. */
function ownersOf(reports: readonly Done[], frames: readonly DoneFrame[]): ReadonlyMap<string, number> {
  const owners = new Map<string, number>();
  const note = (path: string, slot: number) => owners.set(path, Math.max(slot, owners.get(path) ?? slot));
  for (const [path, slot] of reports.flatMap((report) => report.owners)) note(path, slot);
  for (const { slot, files, folders, links } of frames)
    for (const path of [...files, ...folders.map(([folder]) => folder), ...links.map(([link]) => link)])
      note(path, slot);
  return owners;
}
