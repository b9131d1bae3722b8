import { bunProgram } from "./rows/bun-program.ts";
import { cold, coldDisk } from "./rows/cold.ts";
import { growth } from "./rows/growth.ts";
import type { Measurement } from "./rows/measurement.ts";
import { memory } from "./rows/memory.ts";
import { oneFile } from "./rows/one-file.ts";
import { packing } from "./rows/pack.ts";
import { peersHello, peersTree } from "./rows/peers.ts";
import { repacking } from "./rows/repack.ts";
import { sizes } from "./rows/sizes.ts";
import { strict } from "./rows/strict.ts";
import { inspecting, verifying } from "./rows/verify.ts";
import { warm } from "./rows/warm.ts";

/** Everything that is measured, in the order in which it is. */
export const MEASUREMENTS: readonly Measurement[] = [
  ...[cold, coldDisk, sizes, memory, oneFile, warm, growth, bunProgram],
  ...[packing, repacking, verifying, inspecting, strict, peersHello, peersTree],
];
