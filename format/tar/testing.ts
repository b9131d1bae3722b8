import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ErrorCode, PspfError } from "../errors.ts";
import type { Bytes, ByteStream } from "../types.ts";

/** For tests only: archives made by hand, byte for byte, and what tests of trees and archives share. */

interface RawEntry {
  readonly name: string;
  readonly type?: string;
  readonly mode?: number;
  /** What the header says; the length of the body by default. */
  readonly size?: number;
  readonly mtime?: number;
  readonly linkName?: string;
  readonly prefix?: string;
  readonly magic?: string;
  readonly body?: string;
  /** Bytes written over the header in front of its checksum, by offset. */
  readonly patch?: Readonly<Record<number, string>>;
  readonly checksum?: (bytes: Bytes) => string;
}

const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;

export const checksumOf = (block: Bytes): string => {
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return `${sum.toString(8).padStart(6, "0")}\0 `;
};

/** A header block and its body, padded. Text is UTF-8, in `patch` Latin-1. */
export function rawEntry(entry: RawEntry): Bytes {
  const body = Buffer.from(entry.body ?? "");
  const block = Buffer.alloc(512);
  block.write(entry.name, 0);
  block.write(octal(entry.mode ?? 0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(entry.size ?? body.length, 11), 124);
  block.write(octal(entry.mtime ?? 0, 11), 136);
  block.write(entry.type ?? "0", 156);
  block.write(entry.linkName ?? "", 157);
  block.write(entry.magic ?? "ustar\0" + "00", 257);
  block.write(entry.prefix ?? "", 345);
  for (const [at, bytes] of Object.entries(entry.patch ?? {})) block.write(bytes, Number(at), "latin1");
  block.write((entry.checksum ?? checksumOf)(new Uint8Array(block)), 148, "latin1");
  return new Uint8Array(Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)]));
}

export const END = new Uint8Array(1024);

/** A complete archive. */
export const rawArchive = (...entries: readonly RawEntry[]): Bytes => concat([...entries.map(rawEntry), END]);

/** One record of a pax header. */
export function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

export const concat = (pieces: readonly Uint8Array[]): Bytes => new Uint8Array(Buffer.concat(pieces));

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Bytes> {
  return concat(await Array.fromAsync(stream));
}

/** Bytes in pieces of one size. */
export async function* inPieces(bytes: Bytes, size = 65536): ByteStream {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** The code of the PspfError that the work ends with; "ok" if it does not fail. Other errors pass through. */
export async function outcome(work: () => unknown): Promise<ErrorCode | "ok"> {
  try {
    await work();
    return "ok";
  } catch (error) {
    if (error instanceof PspfError) return error.code;
    throw error;
  }
}

/** A folder that is gone when its scope ends. */
export function tempDir(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "flavor-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Every path below a folder, sorted. Not by a recursive readdir: Bun's follows symlinks. */
export function pathsBelow(folder: string, prefix = ""): readonly string[] {
  const names = readdirSync(join(folder, prefix)).map((name) => prefix + name);
  return names
    .flatMap((path) =>
      lstatSync(join(folder, path)).isDirectory() ? [path, ...pathsBelow(folder, `${path}/`)] : [path],
    )
    .sort();
}

/** Runs a program to its end; its standard output. */
export function run(command: readonly string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
    cwd,
    env: { ...process.env, LC_ALL: "C.UTF-8", TZ: "UTC" },
  });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}: ${stderr}`);
  return stdout.toString();
}

/** Whether GNU tar is there; says so if not, since tests that need it are skipped then. */
export function hasGnuTar(): boolean {
  const tar = Bun.which("tar");
  const found = tar !== null && Bun.spawnSync([tar, "--version"]).stdout.toString().includes("GNU tar");
  if (!found) process.stderr.write("skipped: tests against GNU tar, there is none on this machine\n");
  return found;
}

/** How to become a user who is denied something: undefined if we are root and have no way down. */
const loseRights = (): readonly string[] | undefined => {
  if (process.platform === "win32") return undefined;
  if (process.getuid?.() !== 0) return [];
  const setpriv = Bun.which("setpriv");
  return setpriv === null ? undefined : [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"];
};

/** Whether `runUnprivileged` works; says so if not, since tests that need it are skipped then. */
export function canLackPermission(): boolean {
  const can = loseRights() !== undefined;
  if (!can) process.stderr.write("skipped: tests of lacking permissions, this user may do everything\n");
  return can;
}

/** Runs a script as a user who is not root; all its output. */
export function runUnprivileged(script: string): string {
  const command = [...(loseRights() ?? []), process.execPath, "-e", script];
  const { stdout, stderr } = Bun.spawnSync(command, { cwd: tmpdir(), env: { HOME: tmpdir() } });
  return stdout.toString() + stderr.toString();
}
