import { fstatSync } from "node:fs";
import { PspfError } from "../../format/errors.ts";
import { openFileSource, type Pieces, streamRange } from "../../format/io/byte-source.ts";
import { doing } from "../../format/io/fs.ts";
import type { ByteStream } from "../../format/types.ts";

/**
 * What is in a file. Throws `build-failed` at its end when it was written to meanwhile: what was read is then no content
 * that it ever had. One that takes its place by its name is another file.
 */
export async function* fileContent(path: string, pieces?: Pieces): ByteStream {
  using source = openFileSource(path);
  const look = () => doing("look at", path, () => fstatSync(source.fd));
  const { mtimeMs } = look();
  yield* streamRange(source, 0, source.size, pieces);
  const now = look();
  if (now.size === source.size && now.mtimeMs === mtimeMs) return;
  throw new PspfError("build-failed", `Cannot pack ${path}: it was written to while it was packed`, {
    hint: "stop whatever writes to it, then pack again",
  });
}
