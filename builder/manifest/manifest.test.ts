import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { PspfError } from "../../format/errors.ts";
import { createFixture, errorOf, HEAD, json, jsonSlot, RUN, slot, toml } from "./fixture.ts";
import { goldenModel, GOLDEN_JSON, GOLDEN_TOML } from "./golden.ts";
import { parseManifest, readManifest } from "./manifest.ts";

const { jsonPath, root, tomlPath, remove } = createFixture();
afterAll(remove);

describe("a complete manifest", () => {
  test("as TOML", () => expect(parseManifest(GOLDEN_TOML, tomlPath)).toEqual(goldenModel(root, tomlPath)));
  test("as JSON gives the same model", () =>
    expect(parseManifest(GOLDEN_JSON, jsonPath)).toEqual(goldenModel(root, jsonPath)));
});

describe("defaults of the TOML form", () => {
  test("a source is enough for a slot", () => {
    const { slots, execution } = parseManifest(slot(""), tomlPath);
    expect(slots).toEqual([
      {
        id: "app",
        source: join(root, "app"),
        sourceText: "app",
        include: [],
        exclude: [],
        target: "app",
        purpose: "payload",
        lifecycle: "runtime",
        mtimes: false,
      },
    ]);
    expect(execution).toEqual({ primarySlot: 0, command: "run", env: {} });
  });

  test("[slots.NAME] names the slot and keeps the order", () => {
    const text = toml('[slots.zeta]\nsource = "uv"\n[slots.alpha]\nsource = "app"\ntarget = "lib"\n');
    const { slots } = parseManifest(text, tomlPath);
    expect(slots.map(({ id, target }) => [id, target])).toEqual([
      ["zeta", "zeta"],
      ["alpha", "lib"],
    ]);
  });

  test.each([
    [".", basename(root)],
    ["app/", "app"],
    ["$SELF", "self"],
  ])("the id of source %p is its base name", (source, id) => {
    const { slots } = parseManifest(toml(`[[slots]]\nsource = "${source}"\n`), tomlPath);
    expect(slots[0]?.id).toBe(id);
  });

  test.each([
    ["primary = 1", 1],
    ['primary = "uv"', 1],
    ["", 0],
  ] as const)("%p is primary slot %p", (line, index) => {
    const text = `${HEAD}${RUN}${line}\n[[slots]]\nsource = "app"\n[[slots]]\nsource = "uv"\n`;
    expect(parseManifest(text, tomlPath).execution.primarySlot).toBe(index);
  });
});

describe("what the JSON form takes as FlavorPack's builders do", () => {
  test("unknown keys, missing slots, null for absent", () => {
    const text = json({ future: 1, format: null, workenv: null, slots: null, cache_validation: null });
    expect(parseManifest(text, jsonPath)).toMatchObject({ slots: [], setupCommands: [] });
  });

  test("primary slot 0 of no slots", () => {
    const text = json({ execution: { command: "run", primary_slot: 0 } });
    expect(parseManifest(text, jsonPath).execution.primarySlot).toBe(0);
  });

  test("{workenv} in a source is the manifest's folder", () => {
    const { slots } = parseManifest(jsonSlot({ source: "{workenv}/app" }), jsonPath);
    expect(slots[0]).toMatchObject({
      source: join(root, "app"),
      sourceText: "{workenv}/app",
      purpose: "data",
    });
  });

  test.each([["0755"], ["755"], ["0o755"], [493]])("permissions %p are 0755", (permissions) => {
    expect(parseManifest(jsonSlot({ permissions }), jsonPath).slots[0]?.permissions).toBe(0o755);
  });
});

describe("syntax errors say where", () => {
  test.each([
    [tomlPath, "[package]\nname = = 1\n", "invalid value at line 2, column 8"],
    [tomlPath, "a = 1\na = 2\n", "trying to redefine an already defined table or value at line 2, column 1"],
    [tomlPath, "permissions = 0755", "illegal leading zero at line 1, column 15"],
    [tomlPath, "{}", "illegal character in key at line 1, column 1"],
    [jsonPath, '{\n "a": 1,\n "a": 2}', 'the key "a" stands twice in one object, at line 3, column 2'],
    [jsonPath, '{"a": 1} x', "text after the end of the document at line 1, column 10"],
  ])("%#: %p %p", (path, text, fact) => {
    const error = errorOf(text, path);
    expect(error).toMatchObject({
      code: "manifest-invalid",
      message: `Cannot parse the manifest ${path}: ${fact}`,
    });
  });
});

describe("readManifest", () => {
  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(root, name);
    writeFileSync(path, content);
    return path;
  };

  test.each([
    ["a.toml", toml("")],
    ["a.json", json({})],
    ["toml-without-extension", toml("")],
    ["json-without-extension", `\n  ${json({})}`],
    ["bom.toml", `\ufeff${toml("")}`],
  ])("takes %s", async (name, text) => {
    const path = write(name, text);
    expect(await readManifest(path)).toMatchObject({ path, directory: root, package: { name: "app" } });
  });

  test("a file that is not there", async () => {
    const promise = readManifest(join(root, "absent.toml"));
    await expect(promise).rejects.toMatchObject({ code: "io-failed" });
  });

  test("bytes that are not UTF-8", async () => {
    const path = write("latin1.toml", Uint8Array.of(0x61, 0xff));
    const promise = readManifest(path);
    await expect(promise).rejects.toMatchObject({
      code: "manifest-invalid",
      message: `Cannot parse the manifest ${path}: it is not UTF-8 text`,
    });
  });
});

describe("property: every document is a manifest or a PspfError", () => {
  const outcome = (text: string, path: string): "manifest" | "refused" => {
    try {
      parseManifest(text, path);
      return "manifest";
    } catch (error) {
      if (error instanceof PspfError && error.code === "manifest-invalid") return "refused";
      throw error;
    }
  };
  const KEYS = [...new Set(GOLDEN_JSON.match(/[a-z_]+(?=":)/g))];
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(
        "",
        "app",
        "uv",
        "{workenv}",
        "..",
        "$SELF",
        "tgz",
        "execute",
        "'",
        "linux-x64",
        0,
        1,
        -1,
        755,
      ),
      fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.boolean(), fc.constant(null), fc.double()),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), fc.string()), tie("value"), { maxKeys: 6 }),
    ),
  }));
  /** The golden document with one of its values, at any depth, replaced by another. */
  const damaged = fc.tuple(fc.nat(200), value).map(([nth, other]) => {
    let count = 0;
    return JSON.parse(GOLDEN_JSON, (_key, each: unknown) => (count++ === nth ? other : each)) as unknown;
  });

  test("any JSON value", () => {
    fc.assert(
      fc.property(value, (document) => void outcome(JSON.stringify(document), jsonPath)),
      { numRuns: 300 },
    );
  });

  test("a good JSON document with any member replaced", () => {
    fc.assert(
      fc.property(damaged, (document) => void outcome(JSON.stringify(document), jsonPath)),
      { numRuns: 500 },
    );
  });

  test("a good document with any member replaced, as TOML", () => {
    const written = damaged.map((document) => {
      try {
        return stringify(document as Record<string, unknown>);
      } catch {
        return "";
      }
    });
    fc.assert(
      fc.property(written, (text) => void outcome(text, tomlPath)),
      { numRuns: 500 },
    );
  });

  test("any text, and a good text with any damage", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("[[", "]]", "\n", "{", '"""', "'", "=", "0x"),
    );
    fc.assert(
      fc.property(fc.nat(GOLDEN_TOML.length), fc.nat(40), piece, (at, cut, text) => {
        outcome(text, tomlPath);
        outcome(text, jsonPath);
        outcome(GOLDEN_TOML.slice(0, at) + text + GOLDEN_TOML.slice(at + cut), tomlPath);
        outcome(GOLDEN_JSON.slice(0, at) + text + GOLDEN_JSON.slice(at + cut), jsonPath);
      }),
      { numRuns: 300 },
    );
  });
});
