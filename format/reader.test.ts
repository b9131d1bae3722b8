import { describe, expect, test } from "bun:test";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { GOLDEN_NAMES, goldenBytes } from "../tests/golden/golden.ts";
import { failureOf } from "../tests/support/failure.ts";
import { forgePackage, withSlot } from "../tests/support/forged.ts";
import { fileSlot, packageBytes, selfSlot, utf8 } from "../tests/support/packages.ts";
import { failingAt, recording } from "../tests/support/sources.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { type ByteSource, memorySource, openFileSource } from "./io/byte-source.ts";
import { openPackage, readSlot, type Slot } from "./reader.ts";
import { TRAILER_SIZE } from "./spec.ts";
import type { Bytes } from "./types.ts";
import { adler32, sha256Hex } from "./wire/hashes.ts";

const open = (bytes: Bytes) => openPackage(memorySource(bytes, "app.psp"));
const refusal = (bytes: Bytes) => failureOf(() => open(bytes));
const joined = (...parts: readonly Bytes[]): Bytes => new Uint8Array(Buffer.concat(parts));

const SMALL = await packageBytes({
  slots: [
    fileSlot("first", "the first of the slots", { operations: [] }),
    fileSlot("second", "the second of the slots", { operations: ["GZIP"] }),
    selfSlot("me"),
  ],
});
const BARE = utf8(
  '{"format":"PSPF/2025","package":{"name":"bare","version":"1"},"slots":[],"execution":{"command":"true"}}',
);
const OPENED = await open(SMALL);

describe("a package of our own builder", () => {
  test("opens, and says what was packed", async () => {
    const pkg = await open(SMALL);
    expect(pkg.metadata.slots.map(({ id }) => id)).toEqual(["first", "second", "me"]);
    expect(pkg.index.packageId).toBe(pkg.id);
    expect(pkg.id).toMatch(/^[0-9a-f]{16}$/);
    expect(pkg.index.digest).toBe(sha256Hex(SMALL.slice(-TRAILER_SIZE + 4, -4)));
    const [first, , me] = pkg.slots as [Slot, Slot, Slot];
    expect(SMALL.slice(first.stored.offset, first.stored.offset + first.stored.size)).toEqual(
      utf8("the first of the slots"),
    );
    expect(me.stored).toEqual({ offset: 0 as never, size: 0 as never });
  });

  test.each([
    [0o755, 0o755],
    [0o4751, 0o751],
    [0o7000, 0o600],
    [0, 0o600],
  ])("unpacks a slot of mode %i with mode %i", async (permissions, mode) => {
    const pkg = await open(await packageBytes({ slots: [fileSlot("a", "text", { permissions })] }));
    expect(pkg.slots.map((slot) => slot.mode)).toEqual([mode]);
  });

  test("opens without any slot", async () => {
    expect((await open(await packageBytes())).slots).toEqual([]);
  });

  test("opens with any slots, and gives their bytes back", async () => {
    const content = fc.uint8Array({ maxLength: 300 }).map((value) => new Uint8Array(value));
    await fc.assert(
      fc.asyncProperty(fc.array(content, { maxLength: 5 }), async (contents) => {
        const slots = contents.map((bytes, i) => fileSlot(`s${i}`, bytes, { operations: [] }));
        const pkg = await open(await packageBytes({ slots }));
        const read = await Promise.all(pkg.slots.map((slot) => stored(pkg.source, slot)));
        expect(read).toEqual(contents);
      }),
      { numRuns: 15 },
    );
  });
});

describe("a slot table that lies", () => {
  test("names every field that was changed", async () => {
    const error = await refusal(withSlot(SMALL, 1, { lifecycle: 0, priority: 7 }));
    expect(error.message).toBe("Cannot trust the slot table: it does not follow from the signed metadata");
    expect(error.problems.toSorted()).toEqual([
      "slot 1: lifecycle is not what was signed",
      "slot 1: priority is not what was signed",
    ]);
  });

  test("descriptors of two builders in one table are of neither", async () => {
    const go = goldenBytes("go");
    expect((await refusal(withSlot(go, 0, { priority: 1 }))).code).toBe("slot-table-mismatch");
  });
});

describe("metadata that lies, rightly signed", () => {
  test("the smallest that there is opens", async () => {
    const pkg = await open(await forgePackage({ json: BARE }));
    expect(pkg.metadata.package.name).toBe("bare");
    expect(pkg.index.packageId).toBeUndefined();
    expect(pkg.json).toEqual(BARE);
  });

  test("a whole MiB is read", async () => {
    const json = padded(1024 * 1024);
    expect((await open(await forgePackage({ json }))).json.length).toBe(1024 * 1024);
  });
});

describe("a file that is not whole, or more than whole", () => {
  test.each(GOLDEN_NAMES)("the %s package, cut at every 512 bytes", async (name) => {
    const whole = goldenBytes(name);
    for (let length = 0; length < whole.length; length += 512) {
      const error = await refusal(whole.slice(0, length));
      expect(error.code).toBe("not-a-package");
      expect(error.message).toStartWith("Cannot read app.psp as a package: it ");
    }
  });

  test.each(GOLDEN_NAMES)("the %s package without its first bytes", async (name) => {
    const whole = goldenBytes(name);
    for (let from = 512; from < whole.length; from += 512)
      expect((await refusal(whole.slice(from))).exitCode).toBe(102);
  });

  test.each([1, 4, 8200, 100_000])("%i bytes behind it", async (count) => {
    const error = await refusal(joined(SMALL, new Uint8Array(count)));
    expect(error.code).toBe("not-a-package");
    expect(error.message).toBe(`Cannot read app.psp as a package: ${count} bytes follow its PSPF trailer`);
  });

  test("a package behind a package, or in front of one", async () => {
    expect((await refusal(joined(SMALL, goldenBytes("go")))).code).toBe("layout-invalid");
    expect((await refusal(joined(new Uint8Array(8), SMALL))).code).toBe("layout-invalid");
  });

  test("noise of any kind", async () => {
    const noise = fc.uint8Array({ maxLength: 20_000 }).map((value) => new Uint8Array(value));
    await fc.assert(
      fc.asyncProperty(noise, async (bytes) => expect((await refusal(bytes)).code).toBe("not-a-package")),
      { numRuns: 50 },
    );
  });
});

/** 4 GiB and more that nobody has to store: what is not given is zero. */
function sparseSource(
  size: number,
  parts: readonly { readonly at: number; readonly bytes: Bytes }[],
): ByteSource {
  return {
    name: "sparse",
    size,
    read: async (at, length) => {
      const buffer = new Uint8Array(length);
      for (const part of parts) {
        const from = Math.max(at, part.at);
        const to = Math.min(at + length, part.at + part.bytes.length);
        if (from < to) buffer.set(part.bytes.subarray(from - part.at, to - part.at), from - at);
      }
      return buffer;
    },
  };
}

describe("a package of more than 4 GiB", () => {
  const size = 2 ** 32 + 5000;
  const packed = async (sum: (block: Bytes) => void) => {
    const small = await forgePackage({ json: BARE, index: { packageSize: BigInt(size) } });
    const trailer = small.slice(-TRAILER_SIZE);
    sum(trailer.subarray(4, -4));
    return sparseSource(size, [
      { at: 0, bytes: small.slice(0, -TRAILER_SIZE) },
      { at: size - TRAILER_SIZE, bytes: trailer },
    ]);
  };
  /** As FlavorPack's Go builder sums: with bytes 12 to 15 taken as zero. */
  const sumOfGo = (block: Bytes): void => {
    const copy = block.slice();
    copy.fill(0, 4, 8);
    copy.fill(0, 12, 16);
    new DataView(block.buffer, block.byteOffset).setUint32(4, adler32(copy), true);
  };

  test("opens with the right checksum", async () => {
    expect((await openPackage(await packed(() => {}))).metadata.package.name).toBe("bare");
  });

  test("opens with the checksum that FlavorPack's Go builder gives it", async () => {
    expect((await openPackage(await packed(sumOfGo))).metadata.package.name).toBe("bare");
  });

  test("does not open with a checksum that is neither", async () => {
    const source = await packed((block) => block.set([(block[4] as number) ^ 1], 4));
    expect((await failureOf(() => openPackage(source))).code).toBe("index-damaged");
  });
});

describe("a source that fails", () => {
  test("at any of its reads is an input error, and nothing else", async () => {
    const { source, reads } = recording(memorySource(SMALL));
    await openPackage(source);
    expect(reads.length).toBeGreaterThanOrEqual(3);
    for (let n = 0; n < reads.length; n++) {
      const error = await failureOf(() => openPackage(failingAt(n, memorySource(SMALL))));
      expect(error.message).toBe("Cannot read memory: injected failure");
      expect(error.code).toBe("io-failed");
    }
  });

  test("because it is shorter than it says", async () => {
    const whole = memorySource(SMALL);
    for (const missing of [1, 100, TRAILER_SIZE, SMALL.length]) {
      const inner = memorySource(SMALL.slice(0, SMALL.length - missing), "short");
      const source: ByteSource = { name: "short", size: whole.size, read: inner.read };
      expect((await failureOf(() => openPackage(source))).code).toBe("io-failed");
    }
  });

  test("because the file became shorter after it was opened", async () => {
    using dir = tempDir();
    const path = join(dir.path, "app.psp");
    writeFileSync(path, SMALL);
    using source = openFileSource(path);
    truncateSync(path, 100);
    const error = await failureOf(() => openPackage(source));
    expect(error.code).toBe("io-failed");
    expect(error.message).toContain(`Cannot read ${path}: it ends before`);
  });

  test("while a slot is read: the slot is not believed", async () => {
    const pkg = await open(SMALL);
    const slot = pkg.slots[0] as Slot;
    const read = readSlot(failingAt(0, pkg.source), slot);
    expect((await failureOf(() => drain(read.bytes))).code).toBe("io-failed");
    expect((await failureOf(() => read.check())).code).toBe("io-failed");
  });
});

describe("reading is lazy", () => {
  test("opening a package reads trailer, metadata and table, and nothing of its slots", async () => {
    const big = new Uint8Array(5_000_000).fill(7);
    const bytes = await packageBytes({ slots: [fileSlot("big", big, { operations: [] })] });
    const { source, reads } = recording(memorySource(bytes));
    const { index } = await openPackage(source);
    expect(reads).toEqual([
      { at: bytes.length - TRAILER_SIZE, length: TRAILER_SIZE },
      { at: index.metadata.offset, length: index.metadata.size },
      { at: index.slotTable.offset, length: 64 },
    ]);
  });

  test("a slot is read in pieces of at most a MiB, in order, and nothing but the slot", async () => {
    const big = new Uint8Array(2_500_000).map((_, i) => i % 251);
    const bytes = await packageBytes({ slots: [fileSlot("big", big, { operations: [] })] });
    const pkg = await open(bytes);
    const slot = pkg.slots[0] as Slot;
    const { source, reads } = recording(pkg.source);
    expect(sha256Hex(await stored(source, slot))).toBe(sha256Hex(big));
    let at = slot.stored.offset as number;
    for (const read of reads) {
      expect(read.at).toBe(at);
      expect(read.length).toBeLessThanOrEqual(1024 * 1024);
      at += read.length;
    }
    expect(at).toBe(slot.stored.offset + slot.stored.size);
  });
});

describe("readSlot", () => {
  const pkg = OPENED;
  const [first] = pkg.slots as [Slot, Slot, Slot];

  test("does not believe a slot that was not read to its end", async () => {
    const read = readSlot(pkg.source, first);
    const error = await failureOf(() => read.check());
    expect(error.code).toBe("slot-checksum-mismatch");
    expect(error.message).toBe("Cannot trust slot 0 (first): something follows its compressed data");
  });

  test("does not believe other bytes", async () => {
    const changed = SMALL.slice();
    changed[first.stored.offset] = 0;
    const read = readSlot(memorySource(changed), first);
    await drain(read.bytes);
    expect((await failureOf(() => read.check())).message).toBe(
      "Cannot trust slot 0 (first): its SHA-256 is not the signed one",
    );
  });

  test("goes on where a reader gave up", async () => {
    const big = new Uint8Array(3_000_000).map((_, i) => i % 241);
    const large = await open(await packageBytes({ slots: [fileSlot("big", big, { operations: [] })] }));
    const read = readSlot(large.source, large.slots[0] as Slot);
    const pieces: Bytes[] = [];
    for await (const piece of read.bytes) {
      pieces.push(piece);
      break;
    }
    for await (const piece of read.bytes) pieces.push(piece);
    expect(sha256Hex(joined(...pieces))).toBe(sha256Hex(big));
    read.check();
  });
});

/** The smallest metadata with blanks behind it. */
function padded(size: number): Bytes {
  return joined(BARE, new Uint8Array(size - BARE.length).fill(32));
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

async function stored(source: ByteSource, slot: Slot): Promise<Bytes> {
  const read = readSlot(source, slot);
  const pieces: Bytes[] = [];
  for await (const piece of read.bytes) pieces.push(piece);
  read.check();
  return joined(...pieces);
}
