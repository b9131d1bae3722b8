import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Sha256 } from "../format/types.ts";
import { parseMetadata } from "../format/wire/metadata.ts";
import type { Metadata, SlotEntry } from "../format/wire/metadata-types.ts";
import type { JsonObject } from "../format/json-object.ts";
import { encodeMetadata, type JsonOptions } from "./metadata-json.ts";

const HEX = "0123456789abcdef".repeat(4) as Sha256;
const SIGNATURE = `${"A".repeat(86)}==`;

const SLOT: SlotEntry = {
  index: 0,
  id: "app",
  source: "src",
  target: "share/app",
  rawTarget: "share/app",
  size: 57,
  originalSize: 99,
  checksum: HEX,
  operations: ["TAR", "GZIP"],
  purpose: "code",
  lifecycle: "volatile",
  permissions: 0o755,
  resolution: "lazy",
  platform: "linux",
  selfRef: false,
};

const SMALL: Metadata = {
  format: "PSPF/2025",
  package: { name: "demo", version: "1.0" },
  slots: [],
  execution: { primarySlot: 0, command: "run", env: {} },
  runtimeEnv: { unset: [], pass: [], map: {}, set: {} },
  workenv: { directories: [], env: {} },
  setupCommands: [],
};

const FULL: Metadata = {
  ...SMALL,
  package: { name: "demo", version: "1.0", description: "what it is" },
  slots: [SLOT],
  execution: { primarySlot: 0, command: "run", env: { A: "1" } },
  runtimeEnv: { unset: ["B"], pass: ["C"], map: { D: "E" }, set: { F: "2" } },
  workenv: { directories: [{ path: "" }, { path: "tmp", mode: 0o700 }], env: { G: "3" } },
  setupCommands: [
    { type: "execute", command: "x" },
    { type: "enumerate_and_execute", command: "y", enumerate: { path: "p", pattern: "*" } },
    { type: "write_file", path: "q", content: "text", mode: 0o644 },
    { type: "write_file", path: "q", content: "" },
    { type: "chmod", path: "r", mode: 0o7 },
  ],
  cacheValidation: { checkFile: "c", expectedContent: "d" },
  build: {
    tool: "flavor",
    toolVersion: "1",
    timestamp: "2025-01-01T00:00:00+00:00",
    deterministic: true,
    platform: { os: "linux", arch: "amd64", host: "h" },
  },
  launcher: { tool: "t", toolVersion: "2", size: 5, checksum: HEX },
  statements: [
    {
      kind: "rotation",
      from: HEX,
      to: "ab".repeat(32),
      packages: ["demo"],
      created: "2026-01-31T12:00:00Z",
      signature: SIGNATURE,
    },
  ],
};

const textOf = (metadata: Metadata, options: Partial<JsonOptions> = {}): string =>
  new TextDecoder().decode(encodeMetadata(metadata, { operations: "own", ...options }));
const documentOf = (metadata: Metadata, options: Partial<JsonOptions> = {}) =>
  JSON.parse(textOf(metadata, options)) as JsonObject;
const extended = (extra: JsonObject) => documentOf(SMALL, { extra });

describe("the document", () => {
  test("of everything that there is", () => {
    expect(textOf(FULL)).toBe(`{
  "format": "PSPF/2025",
  "format_version": "1.0.0",
  "package": {
    "name": "demo",
    "version": "1.0",
    "description": "what it is"
  },
  "slots": [
    {
      "slot": 0,
      "id": "app",
      "source": "src",
      "target": "share/app",
      "size": 57,
      "original_size": 99,
      "checksum": "sha256:${HEX}",
      "operations": "tar|gzip",
      "purpose": "code",
      "lifecycle": "volatile",
      "permissions": "0755",
      "resolution": "lazy",
      "platform": "linux"
    }
  ],
  "execution": {
    "primary_slot": 0,
    "command": "run",
    "env": {
      "A": "1"
    },
    "environment": {
      "A": "1"
    }
  },
  "verification": {
    "integrity_seal": {
      "required": true,
      "algorithm": "ed25519"
    },
    "signed": true,
    "require_verification": true,
    "key_statements": [
      {
        "schema": "flavor.statement/1",
        "kind": "rotation",
        "from": "${HEX}",
        "to": "${"ab".repeat(32)}",
        "packages": [
          "demo"
        ],
        "created": "2026-01-31T12:00:00Z",
        "signature": "${SIGNATURE}"
      }
    ]
  },
  "build": {
    "tool": "flavor",
    "tool_version": "1",
    "timestamp": "2025-01-01T00:00:00+00:00",
    "deterministic": true,
    "platform": {
      "os": "linux",
      "arch": "amd64",
      "host": "h"
    }
  },
  "launcher": {
    "tool": "t",
    "tool_version": "2",
    "size": 5,
    "checksum": "sha256:${HEX}",
    "capabilities": [
      "signed"
    ]
  },
  "compatibility": {
    "min_format_version": "1.0.0",
    "features": [
      "workenv_dirs",
      "runtime_env",
      "setup_commands",
      "cache_validation",
      "volatile_slots"
    ]
  },
  "cache_validation": {
    "check_file": "c",
    "expected_content": "d"
  },
  "runtime": {
    "env": {
      "unset": [
        "B"
      ],
      "pass": [
        "C"
      ],
      "map": {
        "D": "E"
      },
      "set": {
        "F": "2"
      }
    }
  },
  "workenv": {
    "directories": [
      {
        "path": "{workenv}"
      },
      {
        "path": "{workenv}/tmp",
        "mode": "0700"
      }
    ],
    "env": {
      "G": "3"
    }
  },
  "setup_commands": [
    {
      "type": "execute",
      "command": "x"
    },
    {
      "type": "enumerate_and_execute",
      "command": "y",
      "enumerate": {
        "path": "p",
        "pattern": "*"
      }
    },
    {
      "type": "write_file",
      "path": "q",
      "content": "text",
      "mode": "0644"
    },
    {
      "type": "write_file",
      "path": "q",
      "content": ""
    },
    {
      "type": "chmod",
      "path": "r",
      "mode": "0007"
    }
  ]
}`);
  });

  test("of next to nothing has every key that the strictest reader demands", () => {
    // Specification: "What Rust rejects"
    const { index: _, ...slot } = SLOT;
    const bare: SlotEntry = { ...slot, index: 0, operations: [], target: "" };
    expect(documentOf({ ...SMALL, slots: [bare] })).toMatchObject({
      format: expect.any(String),
      package: { name: expect.any(String), version: expect.any(String), description: "" },
      slots: [
        {
          slot: 0,
          id: expect.any(String),
          source: expect.any(String),
          target: "{workenv}",
          size: expect.any(Number),
          checksum: expect.any(String),
          operations: "raw",
          purpose: expect.any(String),
          lifecycle: expect.any(String),
        },
      ],
      execution: { primary_slot: 0, command: expect.any(String), env: {}, environment: {} },
      verification: { integrity_seal: { required: true, algorithm: "ed25519" } },
      compatibility: { min_format_version: "1.0.0", features: ["volatile_slots"] },
      setup_commands: [],
    });
    for (const absent of ["build", "launcher", "cache_validation", "runtime", "workenv"])
      expect(documentOf(SMALL)).not.toHaveProperty(absent);
  });

  test("with a key that was made for this build alone", () => {
    const sealOf = (metadata: Metadata) => documentOf(metadata)["verification"];
    expect(sealOf({ ...SMALL, isAnonymous: true })).toMatchObject({ integrity_seal: { ephemeral: true } });
    expect(sealOf({ ...SMALL, isAnonymous: false })).toEqual(sealOf(SMALL));
    expect(JSON.stringify(sealOf(SMALL))).not.toContain("ephemeral");
  });

  test("of a slot that stands for the package itself", () => {
    const { checksum: _, originalSize: __, permissions: ___, ...rest } = SLOT;
    const slots = [{ ...rest, operations: [], size: 0, selfRef: true }];
    expect(documentOf({ ...SMALL, slots })["slots"]).toEqual([
      {
        slot: 0,
        id: "app",
        source: "src",
        target: "share/app",
        size: 0,
        checksum: "",
        operations: "raw",
        purpose: "code",
        lifecycle: "volatile",
        resolution: "lazy",
        platform: "linux",
        self_ref: true,
      },
    ]);
  });

  test.each([
    [[], "raw", "raw"],
    [["TAR"], "tar", "tar"],
    [["GZIP"], "gzip", "gzip"],
    [["TAR", "GZIP"], "tar|gzip", "tgz"],
    [["TAR", "ZSTD"], "tar|zstd", "tar|zstd"],
  ] as const)("spells %j as %s, and as %s for FlavorPack", (operations, own, flavorpack) => {
    const metadata = { ...SMALL, slots: [{ ...SLOT, operations }] };
    expect(documentOf(metadata)).toMatchObject({ slots: [{ operations: own }] });
    expect(documentOf(metadata, { operations: "flavorpack" })).toMatchObject({
      slots: [{ operations: flavorpack }],
    });
  });

  test("has letters of all the world as they are, and no byte order mark", () => {
    const name = "naïve 📦 \u2028 日本";
    const bytes = encodeMetadata({ ...SMALL, package: { name, version: "<&>" } }, { operations: "own" });
    expect(Buffer.from(bytes).includes(Buffer.from(`"name": "${name}"`))).toBe(true);
    expect(Buffer.from(bytes).includes(Buffer.from('"version": "<&>"'))).toBe(true);
    expect(bytes[0]).toBe(0x7b);
    expect(parseMetadata(bytes).package.name).toBe(name);
  });
});

/** The same value with the members of every object the other way round. */
function reversed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reversed) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, reversed(member)])
      .reverse(),
  ) as T;
}

test("keys have one order, whatever the order in memory is", () => {
  expect(textOf(reversed(FULL))).toBe(textOf(FULL));
});

describe("members of the caller", () => {
  test("come behind, and lose against what the builder says", () => {
    const document = extended({
      custom: { a: 1 },
      format: "mine",
      package: { name: "mine", homepage: "x" },
      execution: { command: "mine", env: { X: "1" }, note: [] },
      slots: [{ id: "mine" }],
      setup_commands: "mine",
      verification: { integrity_seal: { required: false, level: 3 } },
    });
    expect(document).toMatchObject({
      custom: { a: 1 },
      format: "PSPF/2025",
      package: { name: "demo", homepage: "x" },
      execution: { command: "run", note: [] },
      slots: [],
      setup_commands: [],
      verification: { integrity_seal: { required: true, level: 3 }, signed: true },
    });
    expect(Object.keys(document).at(-1)).toBe("custom");
    expect(Object.keys(document["package"] as object)).toEqual([
      "name",
      "version",
      "description",
      "homepage",
    ]);
  });

  test.each(["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "0"])(
    "may be named %s, on top and below",
    (name) => {
      const member = (value: unknown) => JSON.parse(`{${JSON.stringify(name)}: ${JSON.stringify(value)}}`);
      const document = extended({ ...member({ x: 1 }), package: member("text"), custom: member([1]) });
      expect(Object.keys(document)).toContain(name);
      const below = (key: string) => Object.getOwnPropertyDescriptor(document[key] as object, name)?.value;
      expect(Object.getOwnPropertyDescriptor(document, name)?.value).toEqual({ x: 1 });
      expect([below("package"), below("custom")]).toEqual(["text", [1]]);
      expect(({} as { x?: unknown }).x).toBeUndefined();
      expect(parseMetadata(encodeMetadata(SMALL, { operations: "own", extra: document })).package).toEqual({
        name: "demo",
        version: "1.0",
        description: "",
      });
    },
  );

  test("any of them: what is ours stays, the rest is kept, and the order of ours is the same", () => {
    const keys = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom("package", "execution", "slots", "__proto__", "constructor", "runtime", "name"),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, fc.jsonValue({ maxDepth: 1 }), tie("object")),
      object: fc.dictionary(keys, tie("value"), { maxKeys: 4 }),
    }));
    const ours = documentOf(FULL);
    fc.assert(
      fc.property(fc.dictionary(keys, value, { maxKeys: 6 }), (wild) => {
        const extra = JSON.parse(JSON.stringify(wild)) as JsonObject;
        const document = documentOf(FULL, { extra });
        expectContains(document, ours);
        expect(Object.keys(document).filter((key) => Object.hasOwn(ours, key) && !isIndex(key))).toEqual(
          Object.keys(ours),
        );
        for (const [key, mine] of Object.entries(extra))
          if (!Object.hasOwn(ours, key))
            expect(Object.getOwnPropertyDescriptor(document, key)?.value).toEqual(mine);
      }),
      { numRuns: 300 },
    );
  });
});

/** Objects list such keys first, whatever the order was in which they came. */
const isIndex = (key: string): boolean => /^(0|[1-9]\d*)$/.test(key);

/** Every member of `part` is in `whole`; what is no object is equal. */
function expectContains(whole: unknown, part: unknown): void {
  if (typeof part !== "object" || part === null || Array.isArray(part)) expect(whole).toEqual(part);
  else
    for (const [key, member] of Object.entries(part))
      expectContains(Object.getOwnPropertyDescriptor(whole as object, key)?.value, member);
}

test("what was written is what is read", () => {
  expect(parseMetadata(encodeMetadata(FULL, { operations: "flavorpack" }))).toEqual(FULL);
});
