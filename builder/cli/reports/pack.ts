import type { Sha256 } from "../../../format/types.ts";
import { toHex } from "../../../format/wire/hashes.ts";
import type { Packed } from "../../pack.ts";
import type { Report } from "../io.ts";
import { formatSize } from "../../../format/size-text.ts";
import { columns, shortPath } from "./text.ts";

/** One line per package; the document has their digests, too. */
export const packReport = (cwd: string, digests: readonly Sha256[]): Report<readonly Packed[]> => ({
  schema: "flavor.pack/1",
  text: (packed) =>
    columns(
      packed.map(({ path, size, target }) => [shortPath(path, cwd), formatSize(size), target]),
      ["left", "right"],
    ),
  json: (packed) => ({
    packages: packed.map(({ path, size, target, signer, metadata, slots }, i) => ({
      path,
      size,
      sha256: digests[i] ?? null,
      target,
      name: metadata.package.name,
      version: metadata.package.version,
      key: toHex(signer.publicKey),
      keyOrigin: signer.origin,
      slots: slots.map(({ entry, originalSize, ...stored }) => ({
        index: entry.index,
        id: entry.id,
        size: stored.size,
        originalSize,
        checksum: entry.checksum ?? null,
      })),
    })),
  }),
});
