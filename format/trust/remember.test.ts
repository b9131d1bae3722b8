import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { failureOf } from "../../tests/support/failure.ts";
import { packageBytes } from "../../tests/support/packages.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { PspfError } from "../errors.ts";
import { memorySource } from "../io/byte-source.ts";
import { openPackage, type Package } from "../reader.ts";
import { keyPairFromText } from "../seal/keys.ts";
import { signWith } from "../seal/sign.ts";
import type { Metadata } from "../wire/metadata-types.ts";
import type { Finding } from "./judge.ts";
import { encodeKnown, knownFileName, type KnownPackage } from "./known-packages.ts";
import type { TrustPlaces } from "./places.ts";
import { consultAndRemember, type RememberRequest } from "./remember.ts";
import { signStatement, type Statement } from "./statement.ts";
import { EMPTY_STORE, encodeTrustStore } from "./trust-store.ts";

const keyOf = (seed: string) => keyPairFromText(seed).publicKey.toHex();
const [MAY, JUNE, JULY] = ["05", "06", "07"].map((month) => `2026-${month}-01T00:00:00.000Z`) as [
  string,
  string,
  string,
];

let dir: ReturnType<typeof tempDir>;
let places: TrustPlaces & { readonly userStore: string; readonly memory: string };
let file: string;
beforeEach(() => {
  dir = tempDir();
  places = {
    userStore: join(dir.path, "config", "trust.json"),
    systemStore: join(dir.path, "etc", "trust.json"),
    policy: join(dir.path, "etc", "policy.json"),
    memory: join(dir.path, "state", "known"),
  };
  file = join(places.memory, "app.json");
});
afterEach(() => dir[Symbol.dispose]());

const put = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o600 });
};

interface Wanted {
  readonly built?: string | null;
  readonly version?: string;
  readonly name?: string;
  readonly more?: Partial<Metadata>;
}

async function signedBy(
  seed: string,
  { built = JUNE, version = "1.0", name = "app", more = {} }: Wanted = {},
): Promise<Package> {
  const platform = { os: "linux", arch: "amd64", host: "h" };
  const build = { tool: "flavor", toolVersion: "1", deterministic: true, platform };
  const bytes = await packageBytes({
    keySeed: seed,
    about: {
      package: { name, version },
      ...(built === null ? {} : { build: { ...build, timestamp: built } }),
      ...more,
    },
  });
  return openPackage(memorySource(bytes));
}

/** What a start finds, and what it said about what it could not remember. */
async function start(pkg: Package, more: Partial<RememberRequest> = {}) {
  const forgotten: string[] = [];
  const { finding, state } = await consultAndRemember({
    pkg,
    places,
    environmentKeys: undefined,
    uid: process.getuid?.(),
    accept: refusing("changed", "revoked", "older", "pinned", "unlisted"),
    onForgotten: (reason) => forgotten.push(reason),
    ...more,
  });
  return { kind: finding.kind, state, forgotten };
}

const refusing =
  (...kinds: readonly Finding["kind"][]): RememberRequest["accept"] =>
  ({ finding }) => {
    if (kinds.includes(finding.kind)) throw new PspfError("signer-untrusted", finding.kind);
  };

const remembered = (path = file): Record<string, unknown> => JSON.parse(readFileSync(path, "utf8"));

const rotationOf = (from: string, to: string): Promise<Statement> =>
  signStatement(
    { kind: "rotation", from: keyOf(from), to: keyOf(to), packages: [], created: "2026-01-01T00:00:00Z" },
    (message) => signWith(keyPairFromText(from).seed, message),
  );

test("a first use is remembered, and then it is known", async () => {
  const pkg = await signedBy("author");
  expect(await start(pkg)).toEqual({ kind: "new", state: "known", forgotten: [] });
  expect(remembered()).toEqual({
    schema: "flavor.known/1",
    package: "app",
    signer: keyOf("author"),
    first_seen: expect.stringMatching(/^\d{4}-.*Z$/),
    version: "1.0",
    built: JUNE,
  });
  if (process.platform !== "win32") {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(places.memory).mode & 0o777).toBe(0o700);
  }
  const before = statSync(file);
  expect(await start(pkg)).toEqual({ kind: "known", state: "known", forgotten: [] });
  expect(statSync(file).ino).toBe(before.ino);
  expect(readdirSync(places.memory)).toEqual(["app.json"]);
});

test("another key is refused, and the memory stays", async () => {
  await start(await signedBy("author"));
  const before = readFileSync(file, "utf8");
  expect(await failureOf(async () => start(await signedBy("stranger")))).toMatchObject({
    message: "changed",
  });
  // A level that runs it all the same changes nothing either.
  expect(await start(await signedBy("stranger"), { accept: () => {} })).toMatchObject({ state: "changed" });
  expect(readFileSync(file, "utf8")).toBe(before);
});

test("what is refused is not remembered: an attacker's package must not become the first", async () => {
  const stranger = await signedBy("stranger");
  expect(await failureOf(() => start(stranger, { accept: refusing("new") }))).toMatchObject({
    message: "new",
  });
  expect(existsSync(file)).toBe(false);
  expect(await start(await signedBy("author"))).toMatchObject({ kind: "new", state: "known" });
});

test("a key for one build is not remembered", async () => {
  const more = { isAnonymous: true };
  for (const seed of ["one", "two"])
    expect(await start(await signedBy(seed, { more }))).toEqual({
      kind: "anonymous",
      state: "anonymous",
      forgotten: [],
    });
  expect(existsSync(places.memory)).toBe(false);
  await start(await signedBy("author"));
  expect(await failureOf(async () => start(await signedBy("one", { more })))).toMatchObject({
    message: "changed",
  });
});

describe("a newer build is noted, an older one is not", () => {
  test.each([
    [MAY, JUNE, JUNE, "2"],
    [JUNE, MAY, JUNE, "1"],
    [JUNE, JUNE, JUNE, "1"],
    [null, JUNE, JUNE, "2"],
    [JUNE, null, JUNE, "1"],
    [null, null, undefined, "1"],
    ["nonsense", "2026-06-01T02:00:00+02:00", JUNE, "2"],
    // What other builders write, and a year that no file of ours could hold.
    [MAY, "2026-06-01T00:00:00.000123456+00:00", JUNE, "2"],
    [JUNE, "+020000-01-01T00:00:00Z", JUNE, "1"],
  ] as const)("%s, then %s", async (first, second, newest, version) => {
    await start(await signedBy("author", { built: first, version: "1" }));
    const seen = remembered()["first_seen"];
    expect(await start(await signedBy("author", { built: second, version: "2" }))).toMatchObject({
      state: "known",
    });
    expect(remembered()["built"]).toBe(newest as string);
    expect(remembered()).toMatchObject({ version, first_seen: seen, signer: keyOf("author") });
  });
});

test("packages with other names are others, also where case does not count", async () => {
  for (const name of ["app", "App", "../app"]) {
    expect(await start(await signedBy(`author of ${name}`, { name }))).toMatchObject({ kind: "new" });
    expect(remembered(join(places.memory, knownFileName(name)))).toMatchObject({ package: name });
  }
  expect(readdirSync(places.memory).toSorted()).toEqual(["%2e.%2fapp.json", "%41pp.json", "app.json"]);
});

describe("a key that has handed over", () => {
  test("by a statement in the package: the memory moves on, and back there is no way", async () => {
    const first = await signedBy("old", { built: JUNE });
    await start(first);
    const statements = [await rotationOf("old", "new")];
    const second = await signedBy("new", { built: MAY, version: "2", more: { statements } });
    expect(await start(second)).toEqual({ kind: "successor", state: "known", forgotten: [] });
    expect(remembered()).toMatchObject({ signer: keyOf("new"), built: JUNE, version: "1.0" });
    expect(await start(second)).toMatchObject({ kind: "known" });
    expect(await start(await signedBy("new", { built: JULY, version: "3" }))).toMatchObject({
      kind: "known",
    });
    expect(await failureOf(() => start(first))).toMatchObject({ message: "changed" });
  });

  test("by a statement in the trust store", async () => {
    await start(await signedBy("old"));
    put(places.userStore, encodeTrustStore({ ...EMPTY_STORE, statements: [await rotationOf("old", "new")] }));
    expect(await start(await signedBy("new"))).toMatchObject({ kind: "successor" });
  });

  test("by a statement that somebody else has signed: refused", async () => {
    await start(await signedBy("old"));
    const genuine = await rotationOf("old", "other");
    const forged = { ...genuine, to: keyOf("new") } as Statement;
    const stolen = { ...(await rotationOf("new", "old")), from: keyOf("old"), to: keyOf("new") } as Statement;
    const pkg = await signedBy("new", { more: { statements: [forged, stolen] } });
    expect(await failureOf(() => start(pkg))).toMatchObject({ message: "changed" });
  });
});

test("a key that has revoked itself is refused, by a store's word and not by that of a package", async () => {
  const revocation = {
    kind: "revocation",
    key: keyOf("author"),
    reason: "lost",
    created: "2026-01-01T00:00:00Z",
  } as const;
  const genuine = await signStatement(revocation, (message) =>
    signWith(keyPairFromText("author").seed, message),
  );
  const forged = await signStatement(revocation, (message) =>
    signWith(keyPairFromText("other").seed, message),
  );
  expect(await start(await signedBy("author", { more: { statements: [genuine] } }))).toMatchObject({
    kind: "new",
  });
  put(places.userStore, encodeTrustStore({ ...EMPTY_STORE, statements: [forged] }));
  expect(await start(await signedBy("author"))).toMatchObject({ kind: "known" });
  put(places.userStore, encodeTrustStore({ ...EMPTY_STORE, statements: [genuine] }));
  expect(await failureOf(async () => start(await signedBy("author")))).toMatchObject({ message: "revoked" });
});

describe("a signer that is listed", () => {
  const listing = (seed: string) =>
    put(
      places.userStore,
      encodeTrustStore({ ...EMPTY_STORE, keys: [{ key: keyOf(seed), name: "N", packages: [], added: MAY }] }),
    );

  test("is remembered as well, and replaces the one before", async () => {
    await start(await signedBy("before"));
    listing("author");
    const pkg = await signedBy("author");
    expect(await start(pkg)).toMatchObject({ kind: "trusted", state: "trusted" });
    expect(remembered()).toMatchObject({ signer: keyOf("author") });
    rmSync(places.userStore);
    expect(await start(pkg)).toMatchObject({ kind: "known" });
    expect(await failureOf(async () => start(await signedBy("before")))).toMatchObject({
      message: "changed",
    });
  });

  test("but not if its key was made for one build", async () => {
    listing("author");
    expect(await start(await signedBy("author", { more: { isAnonymous: true } }))).toMatchObject({
      kind: "trusted",
    });
    expect(existsSync(file)).toBe(false);
  });

  test("and one that the environment lists leaves nothing", async () => {
    const environmentKeys = [keyOf("author")];
    const pkg = await signedBy("author");
    expect(await start(pkg, { environmentKeys })).toMatchObject({ kind: "named", state: "named" });
    expect(existsSync(places.memory)).toBe(false);
  });
});

describe("of packages that start at once", () => {
  test("one is the first, and the others are judged by it", async () => {
    const seeds = Array.from({ length: 8 }, (_, i) => `author ${i}`);
    const packages = await Promise.all(seeds.map((seed) => signedBy(seed)));
    const outcomes = await Promise.all(
      packages.map((pkg) =>
        start(pkg).then(
          ({ state }) => state,
          (error: Error) => error.message,
        ),
      ),
    );
    expect(outcomes.toSorted()).toEqual([...Array(7).fill("changed"), "known"]);
    expect(remembered()).toMatchObject({ signer: keyOf(seeds[outcomes.indexOf("known")] as string) });
  });

  /** Another start leaves a memory when this one has looked and before it writes its own, for so many looks. */
  const overtakenBy = (known: readonly KnownPackage[]) => {
    let looks = 0;
    const accept: RememberRequest["accept"] = (found) => {
      const other = known[looks++];
      if (other !== undefined) put(file, encodeKnown(other));
      refusing("changed")(found);
    };
    return { accept, looks: () => looks };
  };
  const other: KnownPackage = { package: "app", signer: keyOf("other"), firstSeen: MAY, version: "0" };

  test("also when the other one writes between the look and the deed", async () => {
    const { accept, looks } = overtakenBy([other]);
    const pkg = await signedBy("author");
    expect(await failureOf(() => start(pkg, { accept }))).toMatchObject({ message: "changed" });
    expect(looks()).toBe(2);
    expect(remembered()).toMatchObject({ signer: keyOf("other") });
    expect(readdirSync(places.memory)).toEqual(["app.json"]);
  });

  test("and when a newer build is noted between them", async () => {
    await start(await signedBy("author", { built: MAY, version: "1" }));
    const { signer } = JSON.parse(readFileSync(file, "utf8"));
    const july: KnownPackage = { package: "app", signer, firstSeen: MAY, version: "3", built: JULY };
    const { accept, looks } = overtakenBy([july]);
    expect(await start(await signedBy("author", { built: JUNE, version: "2" }), { accept })).toMatchObject({
      state: "known",
    });
    expect(looks()).toBe(2);
    expect(remembered()).toMatchObject({ built: JULY, version: "3" });
  });
});

test("what killed starts have left half-written goes, when it is old", async () => {
  const leftovers = [".0b1c.part", ".app.json.1a2b.part"].map((name) => join(places.memory, name));
  for (const path of leftovers) put(path, "{");
  await start(await signedBy("author"));
  expect(readdirSync(places.memory)).toHaveLength(3);
  for (const path of leftovers) utimesSync(path, 1, 1);
  rmSync(file);
  await start(await signedBy("author"));
  expect(readdirSync(places.memory)).toEqual(["app.json"]);
});

test("what looks like that and cannot be removed stops no start", async () => {
  const folder = join(places.memory, ".0b1c.part");
  mkdirSync(folder, { recursive: true });
  utimesSync(folder, 1, 1);
  await start(await signedBy("author"));
  expect(readdirSync(places.memory).toSorted()).toEqual([".0b1c.part", "app.json"]);
});

describe("where nothing can be remembered, the package runs", () => {
  test("without a home", async () => {
    const nowhere = { ...places, memory: undefined, userStore: undefined };
    expect(await start(await signedBy("author"), { places: nowhere })).toEqual({
      kind: "new",
      state: "new",
      forgotten: ["there is no home folder"],
    });
  });

  test("where the folder cannot be made", async () => {
    writeFileSync(join(dir.path, "state"), "a file");
    const { kind, state, forgotten } = await start(await signedBy("author"));
    expect({ kind, state }).toEqual({ kind: "new", state: "new" });
    expect(forgotten).toHaveLength(1);
    expect(forgotten[0]).toContain(join(dir.path, "state"));
  });

  test("where a link that leads nowhere is in the way", async () => {
    mkdirSync(places.memory, { recursive: true });
    symlinkSync(join(dir.path, "nowhere"), file);
    expect(await start(await signedBy("author"))).toEqual({
      kind: "new",
      state: "new",
      forgotten: [`${file} is in the way`],
    });
    expect(readdirSync(places.memory)).toEqual(["app.json"]);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "for root in the home of another user, which it must not fill",
    async () => {
      mkdirSync(join(dir.path, "state"));
      chownSync(join(dir.path, "state"), 1234, 1234);
      expect(await start(await signedBy("author"))).toEqual({
        kind: "new",
        state: "new",
        forgotten: [`${join(dir.path, "state")} belongs to another user (1234)`],
      });
      expect(readdirSync(join(dir.path, "state"))).toEqual([]);
    },
  );
});

describe("a file that cannot be used is an error, and stays as it is", () => {
  test.each([
    ["a memory", () => file, "trust-store-invalid"],
    ["a trust store", () => places.userStore, "trust-store-invalid"],
    ["the system's trust store", () => places.systemStore, "trust-store-invalid"],
    ["a policy", () => places.policy, "policy-invalid"],
  ] as const)("%s", async (_, path, code) => {
    put(path(), "{}");
    const failure = await failureOf(async () => start(await signedBy("author")));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(path());
    expect(readFileSync(path(), "utf8")).toBe("{}");
  });
});
