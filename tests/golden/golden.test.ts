import { describe, expect, test } from "bun:test";
import { decodeChain, splitChain } from "../../format/codecs/chain.ts";
import { type ByteSource, memorySource, openFileSource } from "../../format/io/byte-source.ts";
import { openPackage, readSlot, type Slot } from "../../format/reader.ts";
import { sealOf, signerOf } from "../../format/seal/package-seal.ts";
import { FORMAT_VERSION } from "../../format/spec.ts";
import { readTar } from "../../format/tar/read-tar.ts";
import type { Bytes, ByteStream } from "../../format/types.ts";
import { isValid, verifyPackage } from "../../format/verify.ts";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { INDEX_BLOCK, type RawIndex } from "../../format/wire/index-block.ts";
import { GOLDEN_NAMES, GOLDEN_SIGNER, type GoldenName, goldenBytes, goldenPath } from "./golden.ts";

interface Facts {
  readonly file: string;
  readonly size: number;
  /** The first 64 bytes of the index. */
  readonly head: string;
  readonly checksum: number;
  readonly metadataChecksum: string;
  readonly signature: string;
  /** Index fields after the signature that are not zero. */
  readonly hints: Partial<RawIndex>;
  readonly metadata: readonly [offset: number, size: number];
  readonly table: number;
  readonly json: readonly [length: number, sha256: string];
  readonly descriptors: readonly [string, string, string];
}

const FACTS: Readonly<Record<GoldenName, Facts>> = {
  go: {
    file: "736640bc32b4e7055ed6af119c06f976e8a8a56546d3ef1e412858d09ec89b33",
    size: 9442,
    head: "010025207d4452c5e22400000000000011000000000000001100000000000000dd02000000000000f002000000000000c0000000000000000300000000000000",
    checksum: 0xc552447d,
    metadataChecksum: "5ae73a0f1f52aee2263159e071f15d5af41a98f216ce46086e76a3adb188e535",
    signature:
      "6041a65878a49fdbe63ab60c13b47d95491f21296219a925d4cd9115e06a48d326398f1d50f9d9c22175c3713e8cf4b67fe8de8dbbf852e386064e559a5aac07",
    hints: {},
    metadata: [17, 733],
    table: 752,
    json: [1790, "939d8e3c4f896629d25598203968dda470361e81e9339450eb917f2e8fb2f787"],
    descriptors: [
      "0000000000000000d40ad8221fae6ba5b0030000000000006e000000000000006e00000000000000000000000000000020052d3fb3dd29d2000280000000ed01",
      "01000000000000000c326c4f02797b08200400000000000089000000000000008900000000000000011000000000000090b6d49133595b2c000480000000a401",
      "020000000000000089ee6719e011b051b0040000000000002a000000000000002a0000000000000010000000000000009166e74f05683e5a000280000000a001",
    ],
  },
  rust: {
    file: "ad738ec67288a310e5ef719a9318cecb51ade31d8a13b9838a735d87247f4066",
    size: 17746,
    head: "010025209b447ecc52450000000000001100000000000000112000000000000049030000000000006023000000000000c0000000000000000300000000000000",
    checksum: 0xcc7e449b,
    metadataChecksum: "3d41ef1ebb3d8b6235095bd1b9fa488478f42a5c0accb0c4768c9cf8ad1bffcb",
    signature:
      "6a1c23368f09c11d285ff3efcac9415338b7655c9a9f35fc146625b2b966a7ccf5e010415d84fd0ad6fb9db97a129bf45484c5150317572799f5920e76dbaf09",
    hints: { pageSize: 4096, capabilities: 0x81n, compatibility: FORMAT_VERSION, protocolVersion: 1 },
    metadata: [8209, 841],
    table: 9056,
    json: [2106, "119a6315016071d8b9164d8d2a42fee84854ed9b2c7ddf336ff746c1fe54ebd6"],
    descriptors: [
      "00000000000000002cf24dba5fb0a30e20240000000000006e000000000000006e00000000000000000000000000000020052d3fb3dd29d2000201000000ed01",
      "01000000000000000c326c4f02797b08902400000000000089000000000000008900000000000000011000000000000090b6d49133595b2c000401000000a401",
      "0200000000000000edb465624291e40520250000000000002a000000000000002a0000000000000010000000000000009166e74f05683e5a000201000000a001",
    ],
  },
  python: {
    file: "f83b4bbf3aa751143e36ae9975eb0960b7a6cccca6a772f238f45e1e537b6e9e",
    size: 20530,
    head: "01002520a74587403250000000000000110000000000000011000000000000005b030000000000007003000000000000c0000000000000000300000000000000",
    checksum: 0x408745a7,
    metadataChecksum: "23bd30d4333f04b49a0e4b5c86f82c47e2042f7d9a5a843facc4b505eb4b85c1",
    signature:
      "3ed4ec87c1f806be7de48f1c66b8f1af86c636e9f38c9a1799665bb432abc016bf2472cb099906c12070159481e421e13420c462d75099b2b792839f94bce606",
    hints: {
      accessMode: 2,
      cacheStrategy: 1,
      pageSize: 4096,
      maxMemory: 134217728n,
      minMemory: 8388608n,
      streamChunkSize: 65536,
      capabilities: 0x83n,
      compatibility: FORMAT_VERSION,
      protocolVersion: 1,
    },
    metadata: [17, 859],
    table: 880,
    json: [2177, "634a6f6baaa26a9894723190b305a5675bdc6efa8868e110b4a2ea0a296bc9f3"],
    descriptors: [
      "00000000000000002cf24dba5fb0a30e00100000000000006e000000000000006e00000000000000000000000000000020052d3fb3dd29d2000201000000ed01",
      "01000000000000000c326c4f02797b080020000000000000730000000000000000280000000000000110000000000000cd36f0e6c35019e5000401000000a401",
      "0200000000000000edb465624291e40500300000000000002a000000000000001600000000000000100000000000000082ba3eadc6989a32000201000000a001",
    ],
  },
};

const goldenPackage = (name: GoldenName) => openPackage(memorySource(goldenBytes(name)));

describe.each(GOLDEN_NAMES)("the package of the %s builder", (name) => {
  const facts = FACTS[name];

  test("is the file that the read-me describes", async () => {
    expect(sha256Hex(goldenBytes(name)) as string).toBe(facts.file);
    expect(goldenBytes(name).length).toBe(facts.size);
    const readMe = await Bun.file(new URL("README.md", import.meta.url)).text();
    expect(readMe).toContain(`| ${facts.size} | \`${facts.file}\` |`);
  });

  test("has these index fields", async () => {
    const { index } = await goldenPackage(name);
    expect(goldenBytes(name).slice(-8196, -8132).toHex()).toBe(facts.head);
    expect(index.raw).toEqual({
      ...INDEX_BLOCK.decode(new Uint8Array(8192)),
      ...facts.hints,
      formatVersion: FORMAT_VERSION,
      indexChecksum: facts.checksum,
      packageSize: BigInt(facts.size),
      launcherSize: 17n,
      metadataOffset: BigInt(facts.metadata[0]),
      metadataSize: BigInt(facts.metadata[1]),
      slotTableOffset: BigInt(facts.table),
      slotTableSize: 192n,
      slotCount: 3,
      publicKey: Uint8Array.fromHex(GOLDEN_SIGNER),
      metadataChecksum: Uint8Array.fromHex(facts.metadataChecksum),
      signature: Uint8Array.fromHex(facts.signature),
    });
    expect([index.metadata.offset, index.metadata.size] as number[]).toEqual([...facts.metadata]);
    expect([index.slotTable.offset, index.slotTable.size] as number[]).toEqual([facts.table, 192]);
    expect(index.launcher.size as number).toBe(17);
    expect(index.packageId).toBeUndefined();
  });

  test("has these descriptors, byte for byte", () => {
    const table = goldenBytes(name).slice(facts.table, facts.table + 192);
    expect([0, 64, 128].map((at) => table.slice(at, at + 64).toHex())).toEqual([...facts.descriptors]);
  });

  test("has this JSON, and says this with it", async () => {
    const { json, metadata } = await goldenPackage(name);
    expect([json.length, sha256Hex(json)] as unknown[]).toEqual([...facts.json]);
    expect(metadata.package).toEqual({
      name: "fixture",
      version: "1.2.3",
      ...(name === "rust" ? {} : { description: "tiny" }),
    });
    expect(metadata.execution).toEqual({
      primarySlot: 0,
      // FlavorPack's Python builder takes a command for a path
      command: name === "python" ? "{workenv}/sh {workenv}/bin/hello.sh" : "sh {workenv}/bin/hello.sh",
      env: { GREETING: "hi" },
    });
    const said = metadata.slots.map(({ id, target, operations, purpose, lifecycle, permissions }) => ({
      id,
      target,
      operations,
      purpose,
      lifecycle,
      permissions,
    }));
    expect(said).toEqual([
      {
        id: "hello",
        target: "bin/hello.sh",
        operations: [],
        purpose: "payload",
        lifecycle: "runtime",
        permissions: 0o755,
      },
      {
        id: "conf",
        target: "conf",
        operations: ["TAR", "GZIP"],
        purpose: "data",
        lifecycle: "cache",
        permissions: 0o644,
      },
      {
        id: "note",
        target: "share/note.txt",
        operations: ["GZIP"],
        purpose: "data",
        lifecycle: "runtime",
        permissions: 0o640,
      },
    ]);
    expect(metadata.slots.map(({ size }) => size)).toEqual(
      name === "python" ? [110, 4096, 22] : [110, 137, 42],
    );
    expect(metadata.build?.tool).toBe({ go: "flavor-go", rust: "flavor-rs", python: "flavor-python" }[name]);
    expect(metadata.launcher?.checksum as string | undefined).toBe(
      name === "go" ? undefined : "306c6ca7407560340797866e077e053627ad409277d1b9da58106fce4cf717cb",
    );
  });

  test("holds these files", async () => {
    const pkg = await goldenPackage(name);
    const [hello, conf, note] = pkg.slots as [Slot, Slot, Slot];
    expect(await textOf(decoded(pkg.source, hello))).toBe(
      '#!/bin/sh\necho "hello from fixture: $@"\ncat "$FLAVOR_WORKENV/conf/a.txt"\ncat "$FLAVOR_WORKENV/share/note.txt"\n',
    );
    expect(await textOf(decoded(pkg.source, note))).toBe("this note was gzipped\n");
    const files: Record<string, string> = {};
    for await (const entry of readTar(decoded(pkg.source, conf)))
      if (entry.kind === "file") files[entry.name] = await textOf(entry.body);
    expect(files).toEqual({ [name === "python" ? "a.txt" : "conf/a.txt"]: "setting=1\n" });
    expect(pkg.slots.map(({ mode }) => mode)).toEqual([0o755, 0o644, 0o640]);
  });

  test("is signed by the key of seed s1", async () => {
    const pkg = await goldenPackage(name);
    expect(await sealOf(pkg)).toBe("valid");
    expect(signerOf(pkg)).toBe(GOLDEN_SIGNER);
  });

  test("verifies, from the file as well", async () => {
    using source = openFileSource(goldenPath(name));
    const result = await verifyPackage(source, Uint8Array.fromHex(GOLDEN_SIGNER));
    expect(result.checks.filter((check) => !check.ok)).toEqual([]);
    expect(result.checks.map((check) => check.name)).toEqual([
      "trailer",
      "index",
      "metadata",
      "slot table",
      "signature",
      "gaps",
      "launcher",
      "slot 0",
      "slot 1",
      "slot 2",
    ]);
    expect(isValid(result)).toBeTrue();
    expect(result.signer).toBe(GOLDEN_SIGNER);
  });
});

async function* decoded(source: ByteSource, slot: Slot): ByteStream {
  const stored = readSlot(source, slot);
  yield* decodeChain(splitChain(slot.entry.operations).codecs, stored.bytes);
  stored.check();
}

async function textOf(stream: ByteStream): Promise<string> {
  const pieces: Bytes[] = [];
  for await (const piece of stream) pieces.push(piece.slice());
  return Buffer.concat(pieces).toString("utf8");
}
