import { closeSync, openSync, readSync } from "node:fs";
import { PspfError } from "../../format/errors.ts";
import { TARGET_NAMES, type Target, targetOf } from "../../format/platform.ts";
import type { Bytes } from "../../format/types.ts";

/** More than any executable needs for its headers. */
const HEAD_SIZE = 4096;

/** The target of the machine that we run on; `launcher-unavailable` where there is none. */
export function hostTarget(): Target {
  const target = targetOf(process.platform, process.arch, process.platform === "linux" && runsOnMusl());
  if (target !== undefined) return target;
  throw new PspfError(
    "launcher-unavailable",
    `Cannot make a launcher for this machine: it is ${process.platform} on ${process.arch}`,
    { hint: `name another platform: ${TARGET_NAMES.join(", ")}` },
  );
}

/** Asks our own executable which loader it needs: a machine may have two libcs, we run on one. */
const runsOnMusl = (): boolean => elfInterpreter(headOf(process.execPath))?.includes("/ld-musl-") ?? false;

function headOf(path: string): Bytes {
  const fd = openSync(path, "r");
  try {
    const head = new Uint8Array(HEAD_SIZE);
    return head.subarray(0, readSync(fd, head, 0, HEAD_SIZE, 0));
  } finally {
    closeSync(fd);
  }
}

const PT_INTERP = 3;

/**
 * The dynamic loader that a 64-bit little-endian ELF file names, from its first 4 KiB; undefined when it names none
 * or is no such file. Layout: ELF-64 Object File Format, "ELF header" and "Program header".
 */
export function elfInterpreter(head: Bytes): string | undefined {
  if (head.length < 64 || head.subarray(0, 6).toHex() !== "7f454c460201") return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const [table, rowSize, rows] = [
    view.getBigUint64(32, true),
    view.getUint16(54, true),
    view.getUint16(56, true),
  ];
  for (let i = 0; i < rows; i++) {
    const row = Number(table) + i * rowSize;
    if (row + 56 > head.length) return undefined;
    if (view.getUint32(row, true) !== PT_INTERP) continue;
    const from = Number(view.getBigUint64(row + 8, true));
    const size = Number(view.getBigUint64(row + 32, true));
    // The text ends with a NUL; one that lies beyond what we have read is not a name that anybody uses.
    return from + size <= head.length
      ? Buffer.from(head.subarray(from, from + size - 1)).toString()
      : undefined;
  }
  return undefined;
}
