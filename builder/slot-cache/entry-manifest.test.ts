import { expect, test } from "bun:test";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { encodeManifest, parseManifest, type Version, withVersion } from "./entry-manifest.ts";

const version = (name: string, rest: Partial<Version> = {}): Version => ({
  stored: sha256Hex(name),
  size: 10,
  originalSize: 20,
  prints: sha256Hex(`${name} prints`),
  stamps: sha256Hex(`${name} stamps`),
  verified: null,
  ...rest,
});

test("versions are read as they were written", () => {
  const versions = [version("a", { verified: "by this" }), version("b")];
  expect(parseManifest(encodeManifest(versions))).toEqual(versions);
  expect(parseManifest(encodeManifest([]))).toEqual([]);
});

const damaged = (change: object) => encodeManifest([{ ...version("a"), ...change }]);

test.each([
  ["nothing", ""],
  ["no object", "[]"],
  ["another schema", '{"schema":"flavor.build-cache/1","versions":[]}'],
  ["no list", encodeManifest({} as never)],
  ["no version", encodeManifest([null] as never)],
  ["another size", encodeManifest([version("a")]).replace('"originalSize":20', '"originalSize":21')],
  ["a path for stored bytes", damaged({ stored: "../../../../etc/passwd" })],
  ["a path for notes", damaged({ stamps: `${"../".repeat(20)}aaaa` })],
  ["a path for prints", damaged({ prints: "../../../../etc/passwd" })],
  ["no prints", damaged({ prints: undefined })],
  ["a size below zero", damaged({ size: -1 })],
  ["a size that is no whole number", damaged({ originalSize: 1.5 })],
  ["a size as text", damaged({ size: "10" })],
  ["a verification that is no text", damaged({ verified: true })],
])("%s is no manifest", (_, text) => {
  expect(parseManifest(text)).toBeUndefined();
});

test("the newest come first, each once, and few of them", () => {
  let versions: readonly Version[] = [];
  for (const name of ["a", "b", "c", "a", "d", "e"]) versions = withVersion(versions, version(name));
  expect(versions.map(({ stored }) => stored)).toEqual(["e", "d", "a", "c"].map(sha256Hex));
});
