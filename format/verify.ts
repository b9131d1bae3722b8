import { decodeChain, splitChain } from "./codecs/chain.ts";
import { type ErrorCode, printable, PspfError } from "./errors.ts";
import { type ByteSource, streamRange } from "./io/byte-source.ts";
import { type ImaginedTree, openImaginedTree } from "./io/imagined-tree.ts";
import { rulesFor } from "./io/paths.ts";
import { openPackage, type Package, readSlot, type Slot } from "./reader.ts";
import { sealOf, signerOf } from "./seal/package-seal.ts";
import { limitOf, withinLimit } from "./slot-limit.ts";
import { TRAILER_SIZE } from "./spec.ts";
import { unpackTar } from "./tar/unpack.ts";
import type { ByteStream, Span } from "./types.ts";
import { sha256Stream, toHex } from "./wire/hashes.ts";
import { checkSupported } from "./wire/operations.ts";
import { planSlots } from "./workenv/lifecycles/slot-plan.ts";
import { fileTarget, placement } from "./workenv/unpacking/extract-slot.ts";
import { completeTree } from "./workenv/unpacking/unpack.ts";
import type { Bytes } from "./types.ts";

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, in a few words on one line that steers no terminal. */
  readonly detail: string;
  /** Why it failed; its exit code is the one of the whole verification when it is the first. */
  readonly code?: ErrorCode;
  /** What to do about a failure. */
  readonly hint?: string;
}

export interface Verification {
  /** Absent when the file could not be opened as a package: the only check then says why. */
  readonly package?: Package;
  readonly checks: readonly Check[];
  /** Hex of the key that signed; absent when there is no package. */
  readonly signer?: string;
}

export const isValid = ({ checks }: Verification): boolean => checks.every((check) => check.ok);

/**
 * Looks at everything that can be wrong with a package and reports all of it: structure, signature, and every byte of
 * launcher, slots and the gaps between them. Slots are decoded, not written. With `trustedKey` (32 bytes), only a
 * signature by that key counts.
 */
export async function verifyPackage(source: ByteSource, trustedKey?: Bytes): Promise<Verification> {
  let pkg: Package;
  try {
    pkg = await openPackage(source);
  } catch (error) {
    return { checks: [failed("structure", error)] };
  }
  const checks = [
    ...structureChecks(pkg),
    await signatureCheck(pkg, trustedKey),
    await attempt("gaps", () => checkGaps(pkg)),
    await attempt("launcher", () => checkLauncher(pkg)),
  ];
  const all = [...checks, ...(await contentChecks(pkg))];
  // Names in it are the author's, who may be nobody's friend.
  const said = all.map((check) => ({ ...check, detail: printable(check.detail) }));
  return { package: pkg, checks: said, signer: signerOf(pkg) };
}

/** Each slot, in the tree that a start would make of it: of those that are unpacked together, in one tree. */
async function contentChecks(pkg: Package): Promise<readonly Check[]> {
  const { metadata, slots } = pkg;
  const platform = metadata.build?.platform;
  const imagine = () => openImaginedTree({ rules: rulesFor(platform?.os) });
  const shared = imagine();
  const plan = planSlots(metadata, { host: platform ?? { os: "", arch: "" }, dev: false });
  const checks: Check[] = [];
  for (const slot of slots) {
    const tree = plan.withWorkenv.includes(slot.entry.index) ? shared : imagine();
    checks.push(await attempt(`slot ${slot.entry.index}`, () => checkSlot(pkg, slot, tree)));
  }
  const folders = await attempt("folders", async () => {
    completeTree(metadata, shared);
    return `${metadata.workenv.directories.length} folders`;
  });
  return folders.ok ? checks : [...checks, folders];
}

/** Runs one check: the words that it returns are its detail, what it throws is its failure. */
async function attempt(name: string, check: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await check() };
  } catch (error) {
    return failed(name, error);
  }
}

const GET_IT_AGAIN = "the file is damaged or was changed: get it again";

function failed(name: string, error: unknown): Check {
  if (!(error instanceof PspfError)) throw error;
  const detail = [error.message, ...error.problems].join("; ");
  return { name, ok: false, detail, code: error.code, hint: error.hint ?? GET_IT_AGAIN };
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
    for await (const piece of streamRange(source, at, offset - at))
      if (piece.some((byte) => byte !== 0))
        throw new PspfError(
          "layout-invalid",
          `there is something between ${at} and ${offset} that belongs to no part`,
        );
    total += offset - at;
    at = offset + size;
  }
  return `${total} bytes of padding, all zero`;
}

async function checkLauncher({ source, index, metadata }: Package): Promise<string> {
  const { size } = index.launcher;
  const facts = metadata.launcher;
  if (facts === undefined) return `${size} bytes; the metadata names no checksum`;
  const hash = sha256Stream();
  for await (const piece of streamRange(source, 0, size, "passing")) hash.update(piece);
  if (hash.hex() !== facts.checksum)
    throw new PspfError("launcher-checksum-mismatch", "its SHA-256 is not the signed one");
  return `${facts.tool} ${facts.toolVersion}, ${size} bytes, SHA-256 matches`;
}

/** The stored bytes, what they would become in `tree`, and whether the table tells its size right. */
async function checkSlot({ source }: Package, slot: Slot, tree: ImaginedTree): Promise<string> {
  const { entry, raw, stored } = slot;
  if (entry.selfRef) return `${entry.id}: the package itself`;
  checkSupported(entry.operations);
  const { bundle, codecs } = splitChain(entry.operations);
  const read = readSlot(source, slot);
  const entriesBefore = tree.entries;
  let originalSize = 0;
  const counted = async function* (): ByteStream {
    for await (const piece of withinLimit(decodeChain(codecs, read.bytes, limitOf(slot)), slot)) {
      originalSize += piece.length;
      yield piece;
    }
  };
  try {
    if (bundle === "TAR") await unpackTar(counted(), tree, placement(entry.target));
    else await tree.file(fileTarget(slot), slot.mode, 0, counted());
  } catch (error) {
    // the decoder gave up half-way: damage of the stored bytes is what to report, if that is the reason
    for await (const _ of read.bytes);
    read.check();
    throw error;
  }
  read.check();
  // FlavorPack's Go and Rust builders write the stored size.
  if (![originalSize, stored.size].some((size) => raw.originalSize === BigInt(size)))
    throw new PspfError(
      "slot-table-mismatch",
      `slot ${entry.index}: it unpacks to ${originalSize} bytes, not ${raw.originalSize}`,
    );
  const content = bundle === "TAR" ? `${tree.entries - entriesBefore} entries` : `${originalSize} bytes`;
  return `${entry.id}: ${stored.size} bytes stored, SHA-256 matches, ${content}`;
}
