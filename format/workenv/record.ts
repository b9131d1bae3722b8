import { usesBun } from "../command/template.ts";
import { bootId, syncTree } from "../io/durable.ts";
import { replaceFile } from "../io/replacement.ts";
import type { Package } from "../reader.ts";
import { sha256Hex, toHex } from "../wire/hashes.ts";
import { noteWhetherAsked } from "./asks-for-form.ts";
import type { EnsureRequest } from "./ensure.ts";
import { identityOf } from "./entry.ts";
import { indexAsJson } from "./index-json.ts";
import { launchFactsOf } from "./launch-facts.ts";
import { encodeMarker, type Marker, newMarker } from "./marker.ts";
import { sampleOf } from "./mending/sample.ts";
import type { FileList } from "./mending/file-list.ts";
import { encodeStatIndex } from "./mending/stat-index.ts";

/** What was found out about a workenv that shall count from now on. */
export interface Made {
  readonly files: FileList;
  /** Indices of the slots that are there. */
  readonly slots: readonly number[];
  /** ISO 8601; of a workenv that was mended, when it was made. */
  readonly created: string;
}

/** What a marker says of the seal and the signer: what this start has found. */
export const judgementOf = ({
  seal,
  trust = "unchecked",
  lowest = "none",
}: EnsureRequest): Pick<Marker, "seal" | "trust" | "lowest"> => ({ seal, trust, lowest });

/**
 * Index and metadata for people, what the files look like; all of it and the content brought onto the disk at once; then
 * the marker, always last.
 */
export function writeRecord(pkg: Package, request: EnsureRequest, made: Made): void {
  const { layout, digest, source, scope } = request;
  replaceFile(layout.index, indexAsJson(pkg.index));
  replaceFile(layout.metadata, pkg.json);
  replaceFile(layout.files, encodeStatIndex(made.files));
  if (usesBun(pkg.metadata.execution.command)) noteWhetherAsked(layout);
  if (request.durable) request.progress?.begin("syncing");
  const durable = request.durable && syncTree(layout.content);
  request.progress?.end();
  globalThis.failPoint?.("synced");
  const boot = bootId();
  const marker = newMarker({
    packageId: layout.id,
    digest,
    jsonDigest: sha256Hex(pkg.json),
    signer: toHex(pkg.index.raw.publicKey),
    source,
    place: layout.content,
    ...(identityOf(layout.content) ?? { inode: -1, born: -1 }),
    ...judgementOf(request),
    launch: launchFactsOf(pkg.metadata, scope),
    slots: made.slots,
    sample: sampleOf(made.files, pkg.metadata.execution.command, scope),
    suspect: false,
    durable,
    ...(boot === undefined ? {} : { bootId: boot }),
    created: made.created,
  });
  writeMarker(layout, marker);
}

/** Puts a marker in its place: what it says is all there. */
export function writeMarker({ marker: path }: EnsureRequest["layout"], marker: Marker): void {
  globalThis.failPoint?.("before-marker");
  replaceFile(path, encodeMarker(marker), 0o600, marker.durable ? "durable" : undefined);
  globalThis.failPoint?.("marker-in-place");
}
