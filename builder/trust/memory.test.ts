import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeKnown, type KnownPackage, knownFileName } from "../../format/trust/known-packages.ts";
import type { TrustPlaces } from "../../format/trust/places.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { forgetPackage, listKnown } from "./memory.ts";

let dir: ReturnType<typeof tempDir>;
let memory: string;
let places: TrustPlaces;
beforeEach(() => {
  dir = tempDir();
  memory = join(dir.path, "known");
  places = { userStore: undefined, systemStore: "/nowhere", policy: "/nowhere", memory };
});
afterEach(() => dir[Symbol.dispose]());

const known = (name: string): KnownPackage => ({
  package: name,
  signer: "a".repeat(64),
  firstSeen: "2026-01-31T12:00:00Z",
  version: "1",
});
function remember(name: string, file = knownFileName(name), text = encodeKnown(known(name))): string {
  mkdirSync(memory, { recursive: true });
  writeFileSync(join(memory, file), text, { mode: 0o600 });
  return join(memory, file);
}

test("without a home or a folder, nothing is remembered", () => {
  expect(listKnown({ ...places, memory: undefined })).toEqual([]);
  expect(listKnown(places)).toEqual([]);
  expect(listKnown({ ...places, memory: join(import.meta.path, "below a file") })).toEqual([]);
});

test("every package is listed, whatever it is called", () => {
  const names = ["app", "App", "..", "con", "a/b", "ü", "x".repeat(300), ""];
  for (const name of names) remember(name);
  const found = listKnown(places).map((file) => ("known" in file ? file.known.package : file.error.message));
  expect(found.toSorted()).toEqual(names.toSorted());
});

test("what cannot be used is listed with the reason, and what is not a memory is not", () => {
  const broken = remember("app", "app.json", "{");
  const misplaced = remember("other", "mine.json");
  remember("half", ".part.json");
  remember("text", "notes.txt", "hello");
  const files = listKnown(places);
  expect(files.map(({ path }) => path)).toEqual([broken, misplaced]);
  for (const file of files) expect("error" in file && file.error.code).toBe("trust-store-invalid");
});

test("a package is forgotten, also if its file is damaged; then there is nothing to forget", async () => {
  for (const text of [encodeKnown(known("app")), "damaged"]) {
    const path = remember("app", "app.json", text);
    remember("other");
    expect(await forgetPackage(places, "app")).toBe(path);
    expect(existsSync(path)).toBe(false);
    expect(listKnown(places)).toHaveLength(1);
    expect((await failureOf(() => forgetPackage(places, "app"))).code).toBe("bad-arguments");
  }
  expect((await failureOf(() => forgetPackage({ ...places, memory: undefined }, "app"))).code).toBe(
    "bad-arguments",
  );
});
