import { printable, PspfError } from "./errors.ts";
import { type ByteSource, countedSource, streamRange } from "./io/byte-source.ts";
import { openPackage, type Package } from "./reader.ts";
import { sealOf, signerOf } from "./seal/package-seal.ts";
import { TRAILER_SIZE } from "./spec.ts";
import type { Bytes, Span } from "./types.ts";
import { attempt, type Check, failed } from "./verifying/check.ts";
import { contentChecks } from "./verifying/content-checks.ts";
import { type PackageReading, readAlone } from "./verifying/read-alone.ts";
import { readTogether } from "./verifying/read-together.ts";
import { toHex } from "./wire/hashes.ts";

export interface Verification {
  /** Absent when the file could not be opened as a package: the only check then says why. */
  readonly package?: Package;
  readonly checks: readonly Check[];
  /** Hex of the key that signed; absent when there is no package. */
  readonly signer?: string;
}

export const isValid = ({ checks }: Verification): boolean => checks.every((check) => check.ok);

export interface VerifyOptions {
  /** Starts a thread that runs `runVerifyWorker`, for large packages in files. */
  readonly startThread?: (() => Worker) | undefined;
  /** Told of the bytes of the file as they are read, by whom ever. */
  readonly onBytes?: ((count: number) => void) | undefined;
  /** How the content of the package is read; when anything is wrong that way, one thread reads it again. */
  readonly read?: (pkg: Package) => PackageReading;
}

/**
 * Looks at everything that can be wrong with a package and reports all of it: structure, signature, and every byte of
 * launcher, slots and the gaps between them. Slots are decoded, not written. With `trustedKey` (32 bytes), only a
 * signature by that key counts.
 */
export async function verifyPackage(
  source: ByteSource,
  trustedKey?: Bytes,
  options: VerifyOptions = {},
): Promise<Verification> {
  let pkg: Package;
  try {
    pkg = await openPackage(countedSource(source, options.onBytes));
  } catch (error) {
    return { checks: [failed("structure", error)] };
  }
  const checks = [
    ...structureChecks(pkg),
    await signatureCheck(pkg, trustedKey),
    await attempt("gaps", () => checkGaps(pkg)),
  ];
  const all = [...checks, ...(await contentChecksOf(pkg, options))];
  // Names in it are the author's, who may be nobody's friend.
  const said = all.map((check) => ({ ...check, detail: printable(check.detail) }));
  return { package: pkg, checks: said, signer: signerOf(pkg) };
}

/** When threads find anything wrong, or fail, one alone does it again: so what is reported is always what one finds. */
async function contentChecksOf(pkg: Package, options: VerifyOptions): Promise<readonly Check[]> {
  const quick = await quickChecks(pkg, options);
  return quick?.every(({ ok }) => ok) === true ? quick : contentChecks(pkg, readAlone(pkg.source));
}

async function quickChecks(
  pkg: Package,
  { startThread, onBytes, read }: VerifyOptions,
): Promise<readonly Check[] | undefined> {
  const check = (reading: PackageReading) => contentChecks(pkg, reading);
  try {
    if (read !== undefined) return await check(read(pkg));
    return startThread && (await readTogether(pkg, { startThread, onBytes }, check));
  } catch {
    return undefined;
  }
}

/** What `openPackage` made sure of. */
function structureChecks({ index, metadata, json }: Package): readonly Check[] {
  const { name, version } = metadata.package;
  return [
    { name: "trailer", ok: true, detail: "both markers, nothing behind them" },
    {
      name: "index",
      ok: true,
      detail: `format 0x${index.raw.formatVersion.toString(16)}, checksum and size match`,
    },
    { name: "metadata", ok: true, detail: `${name} ${version}, ${json.length} bytes, checksum matches` },
    { name: "slot table", ok: true, detail: `${index.slotCount} slots, as the signed metadata says` },
  ];
}

async function signatureCheck(pkg: Package, trustedKey: Bytes | undefined): Promise<Check> {
  return attempt("signature", async () => {
    const seal = await sealOf(pkg);
    if (seal === "missing") throw new PspfError("signature-missing", "the package is not signed");
    if (seal === "invalid")
      throw new PspfError("signature-invalid", "the signature does not match the metadata");
    const signer = signerOf(pkg);
    if (trustedKey !== undefined && toHex(trustedKey) !== signer)
      throw new PspfError("signature-invalid", `signed by another key than the given one: ${signer}`);
    return `Ed25519, key ${signer}`;
  });
}

/** All bytes are 0 when the first is and each is like the one before: compared as memory is, not one by one. */
const isZero = (piece: Bytes): boolean =>
  piece[0] === 0 && Buffer.compare(piece.subarray(1), piece.subarray(0, -1)) === 0;

/** FlavorPack's Rust builder leaves 8 KiB of zeros; what is not zero would be a place to hide something. */
async function checkGaps({ source, index, slots }: Package): Promise<string> {
  const parts: readonly Span[] = [
    index.launcher,
    index.metadata,
    index.slotTable,
    ...slots.map((slot) => slot.stored),
  ]
    .filter((part) => part.size > 0)
    .sort((a, b) => a.offset - b.offset);
  let at = 0;
  let total = 0;
  for (const { offset, size } of [...parts, { offset: source.size - TRAILER_SIZE, size: 0 }]) {
    for await (const piece of streamRange(source, at, offset - at, "passing"))
      if (!isZero(piece))
        throw new PspfError(
          "layout-invalid",
          `there is something between ${at} and ${offset} that belongs to no part`,
        );
    total += offset - at;
    at = offset + size;
  }
  return `${total} bytes of padding, all zero`;
}
