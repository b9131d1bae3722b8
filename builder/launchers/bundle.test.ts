import { expect, test } from "bun:test";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Bytes } from "../../format/types.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { type Bundle, bundleDigest, bundleFrom, fromEmbedded, toEmbedded } from "./bundle.ts";
import { embeddedSource } from "./embedded.ts";

const STAND_IN = join(import.meta.dir, "..", "..", "tests", "support", "stand-in");

test("the program comes first, what it loads late is a file of its own", async () => {
  const bundle = await bundleFrom(join(STAND_IN, "main.ts"));
  const texts = bundle.map(({ bytes }) => new TextDecoder().decode(bytes));
  expect(bundle.map(({ name }) => name)).toEqual(["main.js", expect.stringMatching(/^late-\w+\.js$/)]);
  expect(texts[0]).not.toContain("loaded late");
  expect(texts[0]).toContain(bundle[1]?.name as string);
  expect(texts[1]).toContain("loaded late");
});

test("the same sources give the same bytes in another folder and another environment", async () => {
  using dir = tempDir();
  cpSync(STAND_IN, join(dir.path, "else", "where"), { recursive: true });
  const script = `
    const { bundleFrom, bundleDigest } = await import(${JSON.stringify(join(import.meta.dir, "bundle.ts"))});
    process.stdout.write(bundleDigest(await bundleFrom(process.argv[2])));`;
  writeFileSync(join(dir.path, "digest.ts"), script);
  const { stdout } = Bun.spawnSync(
    [process.execPath, join(dir.path, "digest.ts"), join(dir.path, "else", "where", "main.ts")],
    { cwd: dir.path, env: { ...process.env, NODE_ENV: "development" } },
  );
  expect(stdout.toString()).toBe(bundleDigest(await bundleFrom(join(STAND_IN, "main.ts"))));
});

test("NODE_ENV of the builder does not get into the bundle", async () => {
  using dir = tempDir();
  writeFileSync(join(dir.path, "main.ts"), "process.stdout.write(process.env.NODE_ENV!)");
  const [{ bytes }] = await bundleFrom(join(dir.path, "main.ts"));
  expect(new TextDecoder().decode(bytes)).toContain("production");
});

test("sources that are broken or not there are a launcher that is unavailable", async () => {
  using dir = tempDir();
  writeFileSync(join(dir.path, "broken.ts"), "import { x } from './nowhere.ts'; x(");
  for (const name of ["broken.ts", "absent.ts"])
    await expect(bundleFrom(join(dir.path, name))).rejects.toMatchObject({ code: "launcher-unavailable" });
});

const bundles = fc
  .array(fc.record({ name: fc.string(), bytes: fc.uint8Array() as fc.Arbitrary<Bytes> }), { minLength: 1 })
  .map((files) => files as unknown as Bundle);

test("property: different bundles have different digests", () => {
  fc.assert(
    fc.property(bundles, bundles, (a, b) => {
      expect(bundleDigest(a) === bundleDigest(b)).toBe(Bun.deepEquals(a, b));
    }),
  );
});

test("bytes cannot move between name, content and neighbour unnoticed", () => {
  const file = (name: string, text: string) => ({ name, bytes: new TextEncoder().encode(text) });
  const digests = [
    [file("a", "bc")],
    [file("ab", "c")],
    [file("a", "b"), file("c", "")],
    [file("a", ""), file("bc", "")],
  ].map((files) => bundleDigest(files as unknown as Bundle));
  expect(new Set(digests).size).toBe(4);
});

test("property: what is embedded comes back", () => {
  fc.assert(
    fc.property(bundles, (bundle) => {
      const text = embeddedSource(bundle.map(toEmbedded)).replace(
        /^export const EMBEDDED_BUNDLE = (.*);$/s,
        "$1",
      );
      expect(JSON.parse(text).map(fromEmbedded)).toEqual(bundle);
    }),
  );
});
