import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GOLDEN_NAMES, goldenBytes } from "../../tests/golden/golden.ts";
import { memorySource } from "../io/byte-source.ts";
import { openPackage } from "../reader.ts";
import { DIALECTS, type DerivedFields, type Dialect, differences } from "./dialects.ts";
import type { SlotEntry } from "./metadata-types.ts";
import type { OperationName } from "./operations.ts";
import { permissionsOf, type RawSlot } from "./slot-descriptor.ts";

const ENTRY: SlotEntry = {
  index: 3,
  id: "conf",
  source: "src/conf",
  target: "conf",
  rawTarget: "{workenv}/conf",
  size: 100,
  operations: ["TAR", "GZIP"],
  purpose: "data",
  lifecycle: "cache",
  selfRef: false,
};

const dialect = (name: string): Dialect => DIALECTS.find((each) => each.name === name) as Dialect;
const NAMES = ["flavor", "flavor-python", "flavor-rs", "flavor-go"] as const;
const described = (name: string, entry: Partial<SlotEntry> = {}): DerivedFields =>
  dialect(name).describe({ ...ENTRY, ...entry });
const rawOf = (fields: DerivedFields): RawSlot => ({
  ...fields,
  offset: 1n,
  size: 2n,
  originalSize: 3n,
  checksum: 4n,
});

test("there is one dialect for each builder", () => {
  expect(DIALECTS.map(({ name }) => name)).toEqual([...NAMES]);
});

describe("each dialect", () => {
  test.each(NAMES)("%s accepts what it describes itself", (name) => {
    expect(differences(rawOf(described(name)), ENTRY, dialect(name))).toEqual([]);
  });

  const FIELDS = Object.keys(described("flavor")) as (keyof DerivedFields)[];
  test.each(NAMES.flatMap((name) => FIELDS.map((field) => [name, field] as const)))(
    "%s names %s when it was changed",
    (name, field) => {
      const raw = rawOf(described(name));
      const value = raw[field];
      const changed = { ...raw, [field]: typeof value === "bigint" ? value ^ 1n : (value as number) ^ 1 };
      expect(differences(changed, ENTRY, dialect(name))).toEqual([field]);
    },
  );

  test("leaves offset, sizes and checksum to the reader", () => {
    const raw: RawSlot = {
      ...rawOf(described("flavor")),
      offset: 9n,
      size: 9n,
      originalSize: 9n,
      checksum: 9n,
    };
    expect(differences(raw, ENTRY, dialect("flavor"))).toEqual([]);
  });

  test("names every field that differs", () => {
    const raw = { ...rawOf(described("flavor")), priority: 9, platform: 1, reserved2: 1 };
    expect(differences(raw, ENTRY, dialect("flavor")).toSorted()).toEqual([
      "platform",
      "priority",
      "reserved2",
    ]);
  });
});

describe("what the builders write differently", () => {
  test("the name that is hashed", () => {
    const hashes = NAMES.map((name) => described(name, { id: "hello", rawTarget: "bin/hello.sh" }).nameHash);
    const byId = 0x0ea3b05fba4df22cn;
    expect(hashes).toEqual([byId, byId, byId, 0xa56bae1f22d80ad4n]);
  });

  test("the priority", () => {
    expect(NAMES.map((name) => described(name).priority)).toEqual([1, 1, 1, 128]);
  });

  test("the mode of a slot that names none", () => {
    const modes = NAMES.map((name) => permissionsOf(rawOf(described(name))));
    expect(modes).toEqual([0o644, 0o644, 0o600, 0o600]);
  });

  test("but not the mode of a slot that names one", () => {
    for (const name of NAMES)
      expect(permissionsOf(rawOf(described(name, { permissions: 0o4751 })))).toBe(0o4751);
  });

  test.each([
    ["payload", [0, 0, 0, 0]],
    ["runtime", [0, 0, 1, 1]],
    ["tool", [0, 0, 2, 2]],
    ["data", [0, 0, 0, 0]],
    ["code", [1, 1, 0, 0]],
    ["config", [2, 2, 0, 0]],
    ["media", [3, 3, 0, 0]],
    ["whatever", [0, 0, 0, 0]],
    ["constructor", [0, 0, 0, 0]],
    ["", [0, 0, 0, 0]],
  ])("the purpose %j", (purpose, codes) => {
    expect(NAMES.map((name) => described(name, { purpose }).purpose)).toEqual(codes);
  });

  test.each([
    ["init", [0, 0, 0, 0]],
    ["initialization", [0, 0, 2, 2]],
    ["init-only", [0, 2, 2, 2]],
    ["startup", [1, 1, 1, 1]],
    ["runtime", [2, 2, 2, 2]],
    ["shutdown", [3, 3, 3, 3]],
    ["cache", [4, 4, 4, 4]],
    ["cached", [4, 4, 2, 2]],
    ["temp", [5, 2, 5, 5]],
    ["temporary", [5, 5, 2, 2]],
    ["lazy", [6, 6, 6, 6]],
    ["eager", [7, 7, 7, 7]],
    ["dev", [8, 8, 8, 8]],
    ["development", [8, 8, 2, 2]],
    ["config", [9, 9, 9, 9]],
    ["platform", [10, 10, 10, 10]],
    ["volatile", [2, 2, 2, 2]],
    ["persistent", [2, 2, 2, 2]],
    ["toString", [2, 2, 2, 2]],
    ["", [2, 2, 2, 2]],
  ])("the lifecycle %j", (lifecycle, codes) => {
    expect(NAMES.map((name) => described(name, { lifecycle }).lifecycle)).toEqual(codes);
  });

  test("a slot that stands for the package: the Rust builder leaves all but the id zero", () => {
    const { checksum: _, ...entry } = { ...ENTRY, checksum: undefined };
    const self = { ...entry, selfRef: true, operations: [] as readonly OperationName[], permissions: 0o755 };
    expect(dialect("flavor-rs").describe(self)).toEqual({
      id: 3n,
      nameHash: 0n,
      operations: 0n,
      purpose: 0,
      lifecycle: 0,
      priority: 0,
      platform: 0,
      reserved1: 0,
      reserved2: 0,
      permissionsLow: 0,
      permissionsHigh: 0,
    });
    expect(dialect("flavor-go").describe(self)).toMatchObject({
      priority: 128,
      lifecycle: 4,
      permissionsLow: 0xed,
    });
  });
});

describe("the golden tables", () => {
  const ACCEPTED = {
    go: ["flavor-go"],
    // with permissions given, and purposes and lifecycles that all know, these three write the same
    rust: ["flavor", "flavor-python", "flavor-rs"],
    python: ["flavor", "flavor-python", "flavor-rs"],
  };
  test.each(GOLDEN_NAMES)("%s is what its builder's dialect describes", async (name) => {
    const { slots } = await openPackage(memorySource(goldenBytes(name)));
    const accepting = DIALECTS.filter((each) =>
      slots.every(({ raw, entry }) => differences(raw, entry, each).length === 0),
    );
    expect(accepting.map((each) => each.name)).toEqual(ACCEPTED[name]);
  });
});

test("any text for purpose and lifecycle has a code", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (purpose, lifecycle) => {
      for (const name of NAMES) {
        const fields = described(name, { purpose, lifecycle });
        expect(fields.purpose).toBeWithin(0, 4);
        expect(fields.lifecycle).toBeWithin(0, 11);
      }
    }),
  );
});
