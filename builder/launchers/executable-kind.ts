import { TARGETS, type Target } from "../../format/platform.ts";
import type { Bytes } from "../../format/types.ts";

/** What an executable file says it runs on. */
export interface ExecutableKind {
  readonly os: "linux" | "darwin" | "windows";
  readonly arch: "amd64" | "arm64";
}

/** Enough of a file for `executableKind`: a PE header may lie behind a DOS program of some hundred bytes. */
export const EXECUTABLE_HEAD_SIZE = 4096;

type Machines = ReadonlyMap<number, ExecutableKind["arch"]>;

// ELF-64 Object File Format, e_machine; Mach-O, cputype; PE Format, Machine types.
const ELF: Machines = new Map([
  [0x3e, "amd64"],
  [0xb7, "arm64"],
] as const);
const MACH_O: Machines = new Map([
  [0x01000007, "amd64"],
  [0x0100000c, "arm64"],
] as const);
const PE: Machines = new Map([
  [0x8664, "amd64"],
  [0xaa64, "arm64"],
] as const);

/** System and processor of a 64-bit ELF, Mach-O or PE executable; undefined for everything else. */
export function executableKind(head: Bytes): ExecutableKind | undefined {
  if (head.length < 64) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (head.subarray(0, 6).toHex() === "7f454c460201") return kind("linux", ELF, view.getUint16(18, true));
  if (view.getUint32(0, true) === 0xfeedfacf) return kind("darwin", MACH_O, view.getUint32(4, true));
  if (view.getUint16(0, true) !== 0x5a4d) return undefined;
  const pe = view.getUint32(60, true);
  if (pe + 6 > head.length || view.getUint32(pe, true) !== 0x4550) return undefined;
  return kind("windows", PE, view.getUint16(pe + 4, true));
}

function kind(os: ExecutableKind["os"], machines: Machines, machine: number): ExecutableKind | undefined {
  const arch = machines.get(machine);
  return arch === undefined ? undefined : { os, arch };
}

/** Whether an executable of that kind runs on `target`. */
export const runsOn = (found: ExecutableKind | undefined, target: Target): boolean =>
  found !== undefined && found.os === TARGETS[target].os && found.arch === TARGETS[target].arch;
