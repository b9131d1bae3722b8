import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { doing } from "../../format/io/fs.ts";
import type { Bytes } from "../../format/types.ts";

/**
 * Bun raises the soft limit of open files to the hard one before its first line of JavaScript, and nobody can find out
 * what it was: an application would not be started with its caller's limits. So a launcher for Linux imports
 * `getrlimit`, with the same arguments, where Bun imports `setrlimit`. One byte in the names of the symbols, of a file
 * that Bun has written; the launcher's own calls of `setrlimit` look it up in the C library and are not touched.
 */
const NAMES = { from: "\0setrlimit\0", to: "\0getrlimit\0" } as const;

/** Lets an executable of Bun for Linux keep its caller's limits; false, and nothing changed, where that cannot be done. */
export function keepCallersLimits(path: string): boolean {
  return doing("complete", path, () => {
    const fd = openSync(path, "r+");
    try {
      const strings = dynamicStrings((at, length) => read(fd, at, length));
      if (strings === undefined) return false;
      const text = Buffer.from(strings.bytes).toString("latin1");
      const at = text.indexOf(NAMES.from);
      // The other name must be there anyway, or its version might not be.
      if (at < 0 || text.indexOf(NAMES.from, at + 1) >= 0 || !text.includes(NAMES.to)) return false;
      writeSync(fd, NAMES.to, strings.offset + at, "latin1");
      return true;
    } finally {
      closeSync(fd);
    }
  });
}

function read(fd: number, at: number, length: number): Bytes {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at));
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
/** Bun's have 10 KB of names, 12 segments and 40 entries; who has many times more is something else. */
const MOST_NAMES = 1024 * 1024;
const MOST_ENTRIES = 4096;

/** The names of the dynamic symbols of a 64-bit ELF executable (System V ABI, chapters 4 and 5), and where they lie. */
function dynamicStrings(
  read: (at: number, length: number) => Bytes,
): { readonly offset: number; readonly bytes: Bytes } | undefined {
  const head = read(0, 64);
  if (head.length < 64 || head.subarray(0, 6).toHex() !== "7f454c460201") return undefined;
  const view = viewOf(head);
  const count = view.getUint16(56, true);
  const headers = viewOf(read(u64(view, 32), count * 56));
  if (headers.byteLength < count * 56) return undefined;
  const segments = Array.from({ length: count }, (_, i) => ({
    type: headers.getUint32(i * 56, true),
    offset: u64(headers, i * 56 + 8),
    address: u64(headers, i * 56 + 16),
    size: u64(headers, i * 56 + 32),
  }));
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined || dynamic.size > MOST_ENTRIES * 16) return undefined;
  const entries = viewOf(read(dynamic.offset, dynamic.size));
  const entry = (tag: number): number | undefined => {
    for (let at = 0; at + 16 <= entries.byteLength; at += 16)
      if (u64(entries, at) === tag) return u64(entries, at + 8);
    return undefined;
  };
  const [address, size] = [entry(DT_STRTAB), entry(DT_STRSZ)];
  if (address === undefined || size === undefined || size > MOST_NAMES) return undefined;
  const home = segments.find(
    (it) => it.type === PT_LOAD && address >= it.address && address + size <= it.address + it.size,
  );
  if (home === undefined) return undefined;
  const offset = address - home.address + home.offset;
  return { offset, bytes: read(offset, size) };
}

const viewOf = ({ buffer, byteOffset, byteLength }: Bytes): DataView =>
  new DataView(buffer, byteOffset, byteLength);

const u64 = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));
