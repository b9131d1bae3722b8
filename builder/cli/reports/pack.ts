import { toHex } from "../../../format/wire/hashes.ts";
import type { Packed } from "../../pack.ts";
import type { Report } from "../io.ts";
import { formatSize } from "../../../format/size-text.ts";
import { columns, shortPath } from "./text.ts";

/** One line per package. */
export const packReport = (cwd: string): Report<readonly Packed[]> => ({
  schema: "flavor.pack/1",
  text: (packed) =>
    columns(
      packed.map(({ path, size, target }) => [shortPath(path, cwd), formatSize(size), target]),
      ["left", "right"],
    ),
  json: (packed) => ({
    packages: packed.map(({ path, size, sha256, target, signer, metadata, slots }) => ({
      path,
      size,
      sha256,
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
