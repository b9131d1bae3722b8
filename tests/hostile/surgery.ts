import { packageIdOf } from "../../format/cache/layout.ts";
import { PspfError } from "../../format/errors.ts";
import { keyPairFromText } from "../../format/seal/keys.ts";
import { signWith } from "../../format/seal/sign.ts";
import { SLOT_DESCRIPTOR_SIZE, TRAILER_SIZE } from "../../format/spec.ts";
import type { Bytes } from "../../format/types.ts";
import { FLAVOR } from "../../format/wire/dialects.ts";
import { digestPrefix, sha256, sha256Hex } from "../../format/wire/hashes.ts";
import type { RawIndex } from "../../format/wire/index-block.ts";
import { parseMetadata } from "../../format/wire/metadata.ts";
import { gunzipMetadata, gzipMetadata } from "../../format/wire/metadata-block.ts";
import type { Metadata } from "../../format/wire/metadata-types.ts";
import { decodeSlot, type RawSlot } from "../../format/wire/slot-descriptor.ts";
import { indexOf, withIndex, withSlot } from "../support/forged.ts";
import { utf8 } from "../support/packages.ts";
import { AUTHOR, bodyOf, STRANGER, type Victim } from "./victim.ts";

/** One change of a package by somebody who repairs everything that can be repaired without a key. */
export type Surgery = (victim: Victim) => Victim | Promise<Victim>;

/** The metadata's JSON, free to be changed. */
// biome-ignore lint/suspicious/noExplicitAny: that is what JSON is before it was parsed
export type Document = any;

const withTail = (victim: Victim, tail: Bytes): Victim => ({ ...victim, tail });

/** One change after the other. */
export const all =
  (...steps: readonly Surgery[]): Surgery =>
  async (victim) => {
    let result = victim;
    for (const step of steps) result = await step(result);
    return result;
  };

/** Other fields in the index, whose checksum is right again. */
export const index =
  (fields: (raw: RawIndex, victim: Victim) => Partial<RawIndex>): Surgery =>
  (victim) =>
    withTail(victim, withIndex(victim.tail, fields(indexOf(victim.tail), victim)));

/** Other fields in one descriptor. */
export const descriptor =
  (slot: number, fields: (raw: RawIndex, victim: Victim) => Partial<RawSlot>): Surgery =>
  (victim) =>
    withTail(victim, withSlot(victim.tail, slot, fields(indexOf(victim.tail), victim), victim.launcherSize));

/** Any change of the bytes behind the launcher. */
export const bytes =
  (change: (tail: Bytes, raw: RawIndex, victim: Victim) => Bytes): Surgery =>
  (victim) =>
    withTail(victim, change(victim.tail.slice(), indexOf(victim.tail), victim));

/** One byte changed, at an offset in the file. */
export const flip = (where: (raw: RawIndex, victim: Victim) => number): Surgery =>
  bytes((tail, raw, victim) => {
    const at = where(raw, victim) - victim.launcherSize;
    tail[at] = (tail[at] as number) ^ 0x40;
    return tail;
  });

/** Puts bytes behind everything else, and says where in the file they are. */
function appended(victim: Victim, more: Bytes): { readonly victim: Victim; readonly at: number } {
  const body = bodyOf(victim);
  const at = Math.ceil((victim.launcherSize + body.length) / 8) * 8;
  const padding = new Uint8Array(at - victim.launcherSize - body.length);
  const tail = new Uint8Array([...body, ...padding, ...more, ...victim.tail.slice(-TRAILER_SIZE)]);
  const packageSize = BigInt(victim.launcherSize + tail.length);
  return { victim: withTail(victim, withIndex(tail, { packageSize })), at };
}

/** Bytes behind the last slot that belong to no part, in a package whose size is right. */
export const hidden =
  (more: Bytes): Surgery =>
  (victim) =>
    appended(victim, more).victim;

/** Who signs changed metadata; nobody leaves the signature as it was. */
export type Hand = "the author" | "a stranger" | "nobody";

/** Other metadata as a document that is changed in place. */
export const document = (hand: Hand, edit: (document: Document) => void): Surgery =>
  text(hand, (json) => {
    const parsed = JSON.parse(json);
    edit(parsed);
    return JSON.stringify(parsed, null, 2);
  });

/** Other metadata as text. */
export const text =
  (hand: Hand, edit: (json: string) => string | Bytes): Surgery =>
  async (victim) => {
    const edited = edit(new TextDecoder().decode(await jsonOf(victim)));
    const json = typeof edited === "string" ? utf8(edited) : edited;
    return withMetadata(victim, json, await gzipMetadata(json), hand);
  };

/** Another metadata block around the same JSON, or around what it is said to hold. */
export const block =
  (make: (json: Bytes, block: Bytes) => Bytes, hand: Hand = "the author"): Surgery =>
  async (victim) => {
    const json = await jsonOf(victim);
    return withMetadata(victim, json, make(json, await gzipMetadata(json)), hand);
  };

/** What a slot stores, signed by its author, with what else they say of it and of the package. */
export const content =
  (slot: number, stored: Bytes, edit: (entry: Document, document: Document) => void): Surgery =>
  async (victim) => {
    const { victim: larger, at } = appended(victim, stored);
    const old = slotIn(victim, slot);
    larger.tail.fill(0, old.at, old.at + old.size);
    const parsed = JSON.parse(new TextDecoder().decode(await jsonOf(victim)));
    const entry = parsed.slots[slot];
    entry.size = stored.length;
    entry.checksum = `sha256:${sha256Hex(stored)}`;
    edit(entry, parsed);
    const originalSize = BigInt(entry.original_size ?? stored.length);
    const checksum = digestPrefix(sha256(stored));
    const placed = descriptor(slot, () => ({
      offset: BigInt(at),
      size: BigInt(stored.length),
      originalSize,
      checksum,
    }));
    const json = utf8(JSON.stringify(parsed));
    return withMetadata(await placed(larger), json, await gzipMetadata(json), "the author");
  };

/** Where in a victim the bytes of a slot are. */
function slotIn(
  { launcherSize, tail }: Victim,
  slot: number,
): { readonly at: number; readonly size: number } {
  const table = Number(indexOf(tail).slotTableOffset) - launcherSize;
  const start = table + slot * SLOT_DESCRIPTOR_SIZE;
  const { offset, size } = decodeSlot(tail.slice(start, start + SLOT_DESCRIPTOR_SIZE));
  return { at: Number(offset) - launcherSize, size: Number(size) };
}

/** The signed JSON of a victim. */
async function jsonOf({ launcherSize, tail }: Victim): Promise<Bytes> {
  const { metadataOffset, metadataSize } = indexOf(tail);
  const at = Number(metadataOffset) - launcherSize;
  return gunzipMetadata(tail.slice(at, at + Number(metadataSize)));
}

/** Puts metadata behind everything else, where there is room; zeros stay in their place. */
async function withMetadata(victim: Victim, json: Bytes, stored: Bytes, hand: Hand): Promise<Victim> {
  const { victim: larger, at } = appended(victim, stored);
  const raw = indexOf(larger.tail);
  const old = Number(raw.metadataOffset) - victim.launcherSize;
  larger.tail.fill(0, old, old + Number(raw.metadataSize));
  const metadata = parsedOrNothing(json);
  const id = metadata && packageIdOf(metadata.package, sha256Hex(json));
  const fields: Partial<RawIndex> = {
    metadataOffset: BigInt(at),
    metadataSize: BigInt(stored.length),
    metadataChecksum: sha256(stored),
    ...(id === undefined ? {} : { packageId: Uint8Array.fromHex(id) as Bytes }),
    ...(hand === "nobody" ? {} : signed(json, hand === "the author" ? AUTHOR : STRANGER)),
  };
  const done = withTail(larger, withIndex(larger.tail, fields));
  return metadata?.slots.length === raw.slotCount ? withDerivedTable(done, metadata) : done;
}

function signed(json: Bytes, keySeed: string): Pick<RawIndex, "publicKey" | "signature"> {
  const { seed, publicKey } = keyPairFromText(keySeed);
  return { publicKey, signature: signWith(seed, json) };
}

function parsedOrNothing(json: Bytes): Metadata | undefined {
  try {
    return parseMetadata(json);
  } catch (error) {
    if (error instanceof PspfError) return undefined;
    throw error;
  }
}

/** The table that follows from the metadata: it is not signed, so whoever changes the one changes the other. */
const withDerivedTable = (victim: Victim, { slots }: Metadata): Victim =>
  slots.reduce(
    (result, entry) =>
      withTail(result, withSlot(result.tail, entry.index, FLAVOR.describe(entry), result.launcherSize)),
    victim,
  );
