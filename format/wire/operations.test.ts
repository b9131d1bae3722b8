import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PspfError } from "../errors.ts";
import {
  checkSupported,
  formatOperations,
  formatOperationsStrict,
  OPERATIONS,
  type OperationName,
  packOperations,
  parseOperations,
  SUPPORTED,
  unpackOperations,
} from "./operations.ts";

const NAMES = Object.keys(OPERATIONS) as OperationName[];
const anyChain = fc.array(fc.constantFrom(...NAMES), { maxLength: 8 });

function failure(work: () => unknown): PspfError {
  try {
    work();
  } catch (error) {
    if (error instanceof PspfError) return error;
    throw error;
  }
  throw new Error("expected a failure");
}

describe("the registry", () => {
  test("gives each name a code of its own in the range of its family", () => {
    const ranges: Readonly<Record<string, readonly [number, number]>> = {
      bundle: [0x01, 0x0f],
      compression: [0x10, 0x2f],
      encryption: [0x30, 0x4f],
      encoding: [0x50, 0x6f],
      hash: [0x70, 0x8f],
      signature: [0x90, 0xaf],
      transformation: [0xb0, 0xcf],
      terminal: [0xff, 0xff],
    };
    for (const { code, family } of Object.values(OPERATIONS)) {
      const [from, to] = ranges[family] as readonly [number, number];
      expect(code).toBeWithin(from, to + 1);
    }
    expect(new Set(Object.values(OPERATIONS).map((o) => o.code)).size).toBe(NAMES.length);
    expect(NAMES.length).toBe(98);
  });
});

describe("packing", () => {
  test.each([
    { chain: [], packed: 0n },
    { chain: ["TAR"], packed: 0x01n },
    { chain: ["GZIP"], packed: 0x10n },
    { chain: ["TAR", "GZIP"], packed: 0x1001n },
    { chain: ["TAR", "BZIP2"], packed: 0x1301n },
    { chain: ["TAR", "XZ"], packed: 0x1601n },
    { chain: ["TAR", "ZSTD"], packed: 0x1b01n },
  ] as const)("$chain packs to $packed", ({ chain, packed }) => {
    expect(packOperations(chain)).toBe(packed);
    expect(unpackOperations(packed)).toEqual([...chain]);
  });

  test("keeps every chain of the registry", () => {
    fc.assert(
      fc.property(anyChain, (chain) => expect(unpackOperations(packOperations(chain))).toEqual(chain)),
    );
  });

  test("reads any u64 or refuses it", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (packed) => {
        let chain: readonly OperationName[];
        try {
          chain = unpackOperations(packed);
        } catch (error) {
          expect((error as PspfError).code).toBeOneOf(["layout-invalid", "operation-unsupported"]);
          return;
        }
        expect(packOperations(chain)).toBe(packed);
      }),
    );
  });

  test.each([
    { packed: 0x0en, says: "0x0e (reserved)" },
    { packed: 0x2701n, says: "0x27 (reserved)" },
    { packed: 0xd3n, says: "0xd3 (custom)" },
    { packed: 0xf101n, says: "0xf1 (vendor)" },
  ])("refuses $packed by name", ({ packed, says }) => {
    const error = failure(() => unpackOperations(packed));
    expect(error.code).toBe("operation-unsupported");
    expect(error.message).toContain(says);
  });

  test("refuses what follows the end of the list", () => {
    expect(failure(() => unpackOperations(0x100001n)).code).toBe("layout-invalid");
    expect(failure(() => unpackOperations(0x0100n)).code).toBe("layout-invalid");
  });

  test("refuses a ninth operation", () => {
    const nine = Array<OperationName>(9).fill("GZIP");
    expect(packOperations(nine.slice(1))).toBe(0x1010101010101010n);
    for (const deed of [packOperations, checkSupported])
      expect(failure(() => deed(nine)).message).toContain("9 operations");
    expect(failure(() => parseOperations(nine.join("|"))).code).toBe("operation-unsupported");
  });
});

describe("spelling", () => {
  test.each<[string, readonly OperationName[]]>([
    ["", []],
    ["raw", []],
    ["none", []],
    ["NONE", []],
    ["gzip", ["GZIP"]],
    ["GZIP", ["GZIP"]],
    ["Tar", ["TAR"]],
    ["tgz", ["TAR", "GZIP"]],
    ["tar.gz", ["TAR", "GZIP"]],
    ["tar|gzip", ["TAR", "GZIP"]],
    ["tar,gzip", ["TAR", "GZIP"]],
    [" tar | gzip ", ["TAR", "GZIP"]],
    ["tbz2", ["TAR", "BZIP2"]],
    ["tar.bz2", ["TAR", "BZIP2"]],
    ["txz", ["TAR", "XZ"]],
    ["tar.xz", ["TAR", "XZ"]],
    ["tzst", ["TAR", "ZSTD"]],
    ["tar.zst", ["TAR", "ZSTD"]],
    ["zstd", ["ZSTD"]],
    ["7z|aes256_gcm", ["7Z", "AES256_GCM"]],
  ])("%p is %p", (text, chain) => {
    expect(parseOperations(text)).toEqual(chain);
  });

  test.each([
    ["tar|zip", '"zip"'],
    ["tar||gzip", '""'],
    ["raw|gzip", '"raw"'],
    ["toString", '"tostring"'],
    ["__proto__", '"__proto__"'],
  ])("%p is refused and named", (text, word) => {
    const error = failure(() => parseOperations(text));
    expect(error.code).toBe("operation-unsupported");
    expect(error.message).toContain(word);
    expect(error.hint).toContain("tar, gzip, bzip2, xz, zstd");
  });

  test("what is written can be read", () => {
    fc.assert(
      fc.property(anyChain, (chain) => {
        expect(parseOperations(formatOperations(chain))).toEqual(chain);
        expect(parseOperations(formatOperationsStrict(chain))).toEqual(chain);
      }),
    );
  });

  test("the strict spelling is FlavorPack's", () => {
    const chains: readonly (readonly OperationName[])[] = [
      [],
      ["TAR"],
      ["GZIP"],
      ["TAR", "GZIP"],
      ["TAR", "XZ"],
    ];
    expect(chains.map(formatOperationsStrict)).toEqual(["raw", "tar", "gzip", "tgz", "tar|xz"]);
    expect(chains.map(formatOperations)).toEqual(["raw", "tar", "gzip", "tar|gzip", "tar|xz"]);
  });
});

describe("support", () => {
  test.each(SUPPORTED)("%s runs", (name) => expect(checkSupported([name])).toBeUndefined());

  test.each<[readonly OperationName[], string]>([
    [["BROTLI"], "brotli (0x21)"],
    [["TAR", "AES256_GCM"], "aes256_gcm (0x31)"],
    [["GZIP", "TAR"], "tar is not the first"],
    [["TAR", "TAR"], "tar is not the first"],
  ])("%p is refused", (chain, says) => {
    const error = failure(() => checkSupported(chain));
    expect(error.code).toBe("operation-unsupported");
    expect(error.message).toContain(says);
  });
});
