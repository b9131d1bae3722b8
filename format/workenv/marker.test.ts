import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chownSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import type { Sha256 } from "../types.ts";
import { bootId } from "../io/durable.ts";
import { findReady, identityOf, type Identity, readMarker } from "./entry.ts";
import { layoutOf } from "../cache/layout.ts";
import { decodeMarker, encodeMarker, type Marker, newMarker } from "./marker.ts";

const DIGEST = "ab".repeat(32) as Sha256;
const LAUNCH: Marker["launch"] = {
  package: { name: "app", version: "1.0" },
  execution: { primarySlot: 0, command: "{workenv}/x", env: { A: "ü" } },
  runtimeEnv: { unset: [], pass: [], map: {}, set: {} },
  workenv: { directories: [], env: {} },
  slots: [{ target: "x" }],
  usesBun: false,
  hasSetup: false,
  eachStart: false,
  atEnd: false,
  devSlots: [],
};
const marker = (identity: Identity, more: Partial<Marker> = {}): Marker =>
  newMarker({
    packageId: "0123456789abcdef",
    digest: DIGEST,
    jsonDigest: DIGEST,
    signer: "ab".repeat(32),
    source: "/opt/app.psp",
    place: "/cache/0123456789abcdef",
    slots: [0],
    sample: { entryPoints: [], others: [] },
    suspect: false,
    durable: true,
    ...identity,
    seal: "valid",
    trust: "known",
    lowest: "none",
    launch: LAUNCH,
    created: "2026-01-01T00:00:00.000Z",
    ...more,
  });
const SEVEN: Identity = { inode: 7, born: 7 };

test("what is encoded is decoded", () => {
  expect(decodeMarker(encodeMarker(marker(SEVEN)))).toEqual(marker(SEVEN));
  expect(encodeMarker(marker(SEVEN))).toEndWith("}\n");
});

test("what a marker does not say of the signer, or in words that are not known, counts as not asked", () => {
  const { trust: _, lowest: __, ...before } = marker(SEVEN);
  const unasked = { trust: "unchecked", lowest: "none" } as const;
  expect(decodeMarker(JSON.stringify(before))).toEqual({ ...marker(SEVEN), ...unasked });
  for (const word of ["fine", "constructor", "__proto__", 7, null, {}])
    expect(decodeMarker(JSON.stringify({ ...before, trust: word, lowest: word }))).toMatchObject(unasked);
});

describe("nothing else is a marker, and nothing throws", () => {
  test.each([
    "",
    " ",
    "1234\n",
    "null",
    "true",
    "[]",
    "{}",
    '"text"',
    "{",
    "\0",
    '{"schema":"flavor.workenv/2"}',
  ])("%j", (text) => {
    expect(decodeMarker(text)).toBeUndefined();
  });

  test.each([
    ...(["schema", "digest", "jsonDigest", "signer", "source", "place", "created"] as const),
    ...(["inode", "born", "launch", "slots", "sample", "suspect", "durable"] as const),
  ])("one without %s, or with another kind of it", (field) => {
    const { [field]: sound, ...rest } = marker(SEVEN);
    expect(decodeMarker(JSON.stringify(rest))).toBeUndefined();
    const isLike = (value: unknown) =>
      typeof value === typeof sound && Array.isArray(value) === Array.isArray(sound);
    const others = [null, [], {}, true, "7", 7].filter((value) => value === null || !isLike(value));
    for (const value of field === "schema" ? [...others, "7"] : field === "sample" ? [...others, {}] : others)
      expect(decodeMarker(JSON.stringify({ ...rest, [field]: value }))).toBeUndefined();
  });

  test("one that lacks any fact of the launch, however deep", () => {
    const paths = [
      "package.name",
      "package.version",
      "execution.command",
      "execution.env",
      "workenv.env",
      "slots",
    ];
    for (const path of [...paths, ...["unset", "pass", "map", "set"].map((name) => `runtimeEnv.${name}`)]) {
      const damaged = structuredClone(marker(SEVEN)) as unknown as Record<string, Record<string, unknown>>;
      const parts = ["launch", ...path.split(".")];
      const last = parts.pop() as string;
      const parent = parts.reduce<Record<string, unknown>>(
        (it, part) => it[part] as Record<string, unknown>,
        damaged,
      );
      expect(parent).toHaveProperty(last);
      parent[last] = null;
      expect([path, decodeMarker(JSON.stringify(damaged))]).toEqual([path, undefined]);
      delete parent[last];
      expect([path, decodeMarker(JSON.stringify(damaged))]).toEqual([path, undefined]);
    }
  });

  test("one with anything else in a list, wherever it stands", () => {
    const { launch } = marker(SEVEN);
    const [good, huge] = [["a", 1, 2, 3], 9e99];
    const sample = (...rows: unknown[]) => ({ sample: { entryPoints: [good], others: [good, ...rows] } });
    const inLaunch = (more: object) => ({ launch: { ...launch, ...more } });
    const inEnv = (more: object) => inLaunch({ runtimeEnv: { ...launch.runtimeEnv, ...more } });
    const wrong: readonly object[] = [
      ...[
        null,
        "a",
        [],
        [1, 1, 2, 3],
        ["a", "1", 2, 3],
        ["a", 1, null, 3],
        ["a", 1, 2],
        ["a", 1, 2, true],
      ].flatMap((row) => [sample(row), { sample: { entryPoints: [row], others: [] } }]),
      ...[1, 2, 3].map((i) => sample(good.with(i, huge))),
      ...["0", null, huge].flatMap((slot) => [{ slots: [0, slot] }, inLaunch({ devSlots: [0, slot] })]),
      ...[null, {}, { target: 1 }].map((slot) => inLaunch({ slots: [{ target: "x" }, slot] })),
      ...[null, 1].flatMap((name) => [inEnv({ unset: ["A", name] }), inEnv({ pass: ["A", name] })]),
    ];
    const encoded = (more: object) =>
      JSON.stringify({ ...marker(SEVEN), ...more }).replaceAll("9e+99", "1e999");
    expect(decodeMarker(encoded(sample(good)))).toBeDefined();
    for (const more of wrong) expect([more, decodeMarker(encoded(more))]).toEqual([more, undefined]);
  });

  test("of another version", () => {
    expect(decodeMarker(encodeMarker(marker(SEVEN)).replace("workenv/2", "workenv/1"))).toBeUndefined();
  });

  test("any JSON, any text", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => expect(decodeMarker(JSON.stringify(value))).toBeUndefined()),
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => expect(decodeMarker(text)).toBeUndefined()),
    );
  });

  test("a marker that was cut off anywhere", () => {
    const text = encodeMarker(marker(SEVEN)).trimEnd();
    for (let end = 0; end < text.length; end++) expect(decodeMarker(text.slice(0, end))).toBeUndefined();
  });
});

describe("an entry is ready", () => {
  let cache: string;
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), "entry-"));
  });
  afterEach(() => rmSync(cache, { recursive: true, force: true }));

  function makeEntry() {
    const layout = layoutOf(cache, "0123456789abcdef");
    mkdirSync(layout.content);
    mkdirSync(dirname(layout.marker), { recursive: true });
    const made = { ...marker(identityOf(layout.content) as Identity), place: layout.content };
    writeFileSync(layout.marker, encodeMarker(made));
    return layout;
  }

  test("when its marker names this package and this very folder", () => {
    expect(findReady(makeEntry(), DIGEST)).toMatchObject({ digest: DIGEST, seal: "valid" });
  });

  test("for its owner and root, and nobody else", () => {
    const layout = makeEntry();
    const uid = process.getuid?.();
    if (uid === undefined) return;
    const answers = [uid, uid + 1, undefined].map((user) => findReady(layout, DIGEST, user) !== undefined);
    // what is root's is believed by everybody
    expect(answers).toEqual([true, uid === 0, true]);
    if (uid !== 0) return;
    chownSync(layout.marker, 54321, 54321);
    expect([54321, 54322].map((user) => findReady(layout, DIGEST, user) !== undefined)).toEqual([
      true,
      false,
    ]);
  });

  test("not for another package", () => {
    expect(findReady(makeEntry(), "cd".repeat(32) as Sha256)).toBeUndefined();
  });

  test("not without its folder, nor with another one under its name", () => {
    const layout = makeEntry();
    renameSync(layout.content, `${layout.content}-away`);
    expect(findReady(layout, DIGEST)).toBeUndefined();
    mkdirSync(layout.content);
    expect(findReady(layout, DIGEST)).toBeUndefined();
  });

  test("not with a folder of the same inode number that was born at another time", () => {
    const layout = makeEntry();
    const identity = identityOf(layout.content) as Identity;
    writeFileSync(layout.marker, encodeMarker(marker({ ...identity, born: identity.born - 1 })));
    expect(findReady(layout, DIGEST)).toBeUndefined();
  });

  test("also when files come and go in its folder", () => {
    const layout = makeEntry();
    writeFileSync(join(layout.content, "log"), "");
    rmSync(join(layout.content, "log"));
    expect(findReady(layout, DIGEST)).toBeDefined();
  });

  test.each([
    {
      what: "brought onto the disk, in another run of the system",
      durable: true,
      bootId: "then",
      ready: true,
    },
    { what: "not brought there, in this run", durable: false, bootId: bootId(), ready: true },
    { what: "not brought there, in another run", durable: false, bootId: "then", ready: false },
    { what: "not brought there, by a system that does not tell its runs", durable: false, ready: true },
  ])("if its content was $what: $ready", ({ durable, bootId: boot, ready }) => {
    const layout = makeEntry();
    const identity = identityOf(layout.content) as Identity;
    const more = { durable, place: layout.content, ...(boot === undefined ? {} : { bootId: boot }) };
    writeFileSync(layout.marker, encodeMarker(marker(identity, more)));
    expect(findReady(layout, DIGEST) !== undefined).toBe(ready);
  });

  test("not with a marker that is a folder, or a link to nowhere, or not there", () => {
    const layout = makeEntry();
    rmSync(layout.marker);
    expect(findReady(layout, DIGEST)).toBeUndefined();
    mkdirSync(layout.marker);
    expect(findReady(layout, DIGEST)).toBeUndefined();
    rmSync(layout.marker, { recursive: true });
    symlinkSync(layout.marker, layout.marker);
    expect(findReady(layout, DIGEST)).toBeUndefined();
    expect(readMarker(layout)).toBeUndefined();
  });

  test("not in a cache that is a file, or nowhere", () => {
    const file = join(cache, "file");
    writeFileSync(file, "");
    expect(findReady(layoutOf(file, "0123456789abcdef"), DIGEST)).toBeUndefined();
    expect(findReady(layoutOf("/nowhere/\0", "0123456789abcdef"), DIGEST)).toBeUndefined();
  });
});

test.each([
  ["sample", { entryPoints: [null], others: [] }],
  ["sample", { entryPoints: [], others: [7] }],
  ["sample", { entryPoints: [[7, 7, 7, 7]], others: [] }],
  ["slots", ["one"]],
  ["launch", { ...LAUNCH, slots: [null] }],
])("a marker with a wrong %s is none", (member, value) => {
  const text = JSON.stringify({ ...marker(SEVEN), [member]: value });
  expect(decodeMarker(text)).toBeUndefined();
});
