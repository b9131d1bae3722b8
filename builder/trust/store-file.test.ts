import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { TrustPlaces } from "../../format/trust/places.ts";
import { EMPTY_STORE, type TrustStore } from "../../format/trust/trust-store.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { withKey } from "./edits.ts";
import { changeStore, readStores } from "./store-file.ts";

let dir: ReturnType<typeof tempDir>;
let places: TrustPlaces;
beforeEach(() => {
  dir = tempDir();
  places = {
    userStore: join(dir.path, "config", "flavor", "trust.json"),
    systemStore: join(dir.path, "etc", "flavor", "trust.json"),
    policy: join(dir.path, "etc", "flavor", "policy.json"),
    memory: join(dir.path, "known"),
  };
});
afterEach(() => dir[Symbol.dispose]());

const user = () => places.userStore as string;
const key = (i: number) => i.toString(16).padStart(2, "0").padEnd(64, "f");
const adding = (i: number) => (store: TrustStore) =>
  withKey(store, { key: key(i), packages: [] }, new Date(0));
const modeOf = (path: string) => statSync(path).mode & 0o777;
const storeNow = () => readStores(places)[0].store;

test("where there is no file, a store is empty, and it appears with its first key, for its user alone", async () => {
  expect(readStores(places)).toEqual([
    { keeper: "the user", path: user(), exists: false, store: EMPTY_STORE },
    { keeper: "the system", path: places.systemStore, exists: false, store: EMPTY_STORE },
  ]);
  const done = await changeStore(places, "the user", adding(1));
  expect(done).toMatchObject({ path: user(), before: EMPTY_STORE, changed: true });
  expect(storeNow()).toEqual(done.after);
  expect(modeOf(user())).toBe(0o600);
  expect(readdirSync(join(dir.path, "config", "flavor"))).toEqual(["trust.json"]);
});

const noRoot = process.getuid?.() === 0 ? undefined : "only root can write what belongs to root";
if (noRoot !== undefined) process.stderr.write(`not tested: the system's trust store (${noRoot})\n`);

test.skipIf(noRoot !== undefined)("everybody can read the system's, whatever the umask is", async () => {
  mkdirSync(join(dir.path, "etc"));
  const umask = process.umask(0o077);
  try {
    await changeStore(places, "the system", adding(1));
  } finally {
    process.umask(umask);
  }
  expect([modeOf(places.systemStore), modeOf(join(dir.path, "etc", "flavor"))]).toEqual([0o644, 0o755]);
  expect(readStores(places)[1].store.keys).toHaveLength(1);
});

test("a change that changes nothing writes nothing", async () => {
  expect(await changeStore(places, "the user", (store) => store)).toMatchObject({ changed: false });
  expect(readStores(places)[0].exists).toBe(false);
  await changeStore(places, "the user", adding(1));
  const { ino } = statSync(user());
  expect(await changeStore(places, "the user", adding(1))).toMatchObject({ changed: false });
  expect(statSync(user()).ino).toBe(ino);
});

test("changes that come at once lose nothing", async () => {
  const all = Array.from({ length: 20 }, (_, i) => i);
  await Promise.all(all.map((i) => changeStore(places, "the user", adding(i))));
  expect(
    storeNow()
      .keys.map((row) => row.key)
      .sort(),
  ).toEqual(all.map(key));
  expect(readdirSync(join(dir.path, "config", "flavor"))).toEqual(["trust.json"]);
});

test("nor do those of several processes", async () => {
  const main = join(import.meta.dir, "..", "cli", "main.ts");
  const env = { HOME: dir.path, XDG_CONFIG_HOME: join(dir.path, "config"), PATH: process.env["PATH"] ?? "" };
  const children = Array.from({ length: 6 }, (_, i) =>
    Bun.spawn([process.execPath, main, "trust", "add", key(i), "--name", `n${i}`], {
      env,
      stdout: "ignore",
      stderr: "pipe",
    }),
  );
  for (const child of children) expect([await child.stderr.text(), await child.exited]).toEqual(["", 0]);
  expect(
    storeNow()
      .keys.map(({ name }) => name)
      .sort(),
  ).toEqual(["n0", "n1", "n2", "n3", "n4", "n5"]);
});

test("a store that cannot be read is left as it is", async () => {
  mkdirSync(join(dir.path, "config", "flavor"), { recursive: true });
  for (const text of ["", "{", '{"schema":"flavor.trust/2"}', '{"schema":"flavor.trust/1","keys":[{}]}']) {
    writeFileSync(user(), text);
    const error = await failureOf(() => changeStore(places, "the user", adding(1)));
    expect(error.code).toBe("trust-store-invalid");
    expect(error.message).toContain(user());
    expect(readFileSync(user(), "utf8")).toBe(text);
  }
  expect(readdirSync(join(dir.path, "config", "flavor"))).toEqual(["trust.json"]);
});

test("an edit that is refused leaves store and folder as they were", async () => {
  await changeStore(places, "the user", adding(1));
  const before = readFileSync(user(), "utf8");
  const error = await failureOf(() =>
    changeStore(places, "the user", (store) => withKey(store, { key: key(1), packages: ["x"] }, new Date())),
  );
  expect(error.code).toBe("bad-arguments");
  expect(readFileSync(user(), "utf8")).toBe(before);
  expect(readdirSync(join(dir.path, "config", "flavor"))).toEqual(["trust.json"]);
});

test("what could not be read again is not written", async () => {
  const twice = (store: TrustStore): TrustStore => {
    const { keys } = adding(1)(store);
    return { ...store, keys: [...keys, ...keys] };
  };
  expect((await failureOf(() => changeStore(places, "the user", twice))).code).toBe("trust-store-invalid");
  expect(readStores(places)[0].exists).toBe(false);
});

test("a link to where the file really is stays a link", async () => {
  mkdirSync(join(dir.path, "config", "flavor"), { recursive: true });
  await changeStore(places, "the user", adding(1));
  const elsewhere = join(dir.path, "dotfiles.json");
  writeFileSync(elsewhere, readFileSync(user()), { mode: 0o600 });
  const linked = { ...places, userStore: join(dir.path, "config", "flavor", "linked.json") };
  symlinkSync(elsewhere, linked.userStore);
  await changeStore(linked, "the user", adding(2));
  expect(lstatSync(linked.userStore).isSymbolicLink()).toBe(true);
  expect(readStores(linked)[0].store.keys).toHaveLength(2);
  expect(readFileSync(elsewhere, "utf8")).toContain(key(2));
});

test("one that everybody can write to is not believed, so it is not changed either", async () => {
  await changeStore(places, "the user", adding(1));
  chmodSync(user(), 0o666);
  expect((await failureOf(() => changeStore(places, "the user", adding(2)))).code).toBe(
    "trust-store-invalid",
  );
});

test("without a home there is no place for a user's store", async () => {
  const error = await failureOf(() =>
    changeStore({ ...places, userStore: undefined }, "the user", adding(1)),
  );
  expect(error).toMatchObject({ code: "bad-arguments" });
  expect(readStores({ ...places, userStore: undefined })[0]).toMatchObject({
    exists: false,
    store: EMPTY_STORE,
  });
});
