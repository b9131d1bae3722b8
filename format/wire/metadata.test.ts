import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encodeMetadata } from "../../builder/metadata-json.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { utf8 } from "../../tests/support/packages.ts";
import { PspfError } from "../errors.ts";
import { FORMAT_NAME } from "../spec.ts";
import type { Statement } from "../trust/statement.ts";
import type { Bytes, Sha256 } from "../types.ts";
import { parseMetadata } from "./metadata.ts";
import type { Metadata, SetupCommand, SlotEntry } from "./metadata-types.ts";
import { formatOperations, OPERATIONS, type OperationName } from "./operations.ts";

const HEX = "0123456789abcdef".repeat(4);

const SLOT = {
  slot: 0,
  id: "main",
  source: "main.sh",
  target: "bin/main",
  size: 57,
  checksum: `sha256:${HEX}`,
  operations: "raw",
  purpose: "payload",
  lifecycle: "runtime",
};
const DOCUMENT = {
  format: "PSPF/2025",
  package: { name: "hello", version: "1.0.0" },
  slots: [SLOT],
  execution: { primary_slot: 0, command: "{workenv}/bin/main" },
};

const REVOCATION = {
  schema: "flavor.statement/1",
  kind: "revocation",
  key: HEX,
  reason: "lost",
  created: "2026-01-31T12:00:00Z",
  signature: `${"A".repeat(86)}==`,
};
const withStatements = (...statements: readonly unknown[]) => ({
  ...DOCUMENT,
  verification: { key_statements: statements },
});

const parse = (document: unknown): Metadata => parseMetadata(utf8(JSON.stringify(document)));
const withSlot = (members: object) => ({ ...DOCUMENT, slots: [{ ...SLOT, ...members }] });
const slotOf = (members: object): SlotEntry => parse(withSlot(members)).slots[0] as SlotEntry;
const problemsOf = async (document: unknown): Promise<readonly string[]> => {
  const error = await failureOf(() => parse(document));
  expect(error.code).toBe("metadata-invalid");
  return error.problems;
};
const messageOf = async (json: Bytes): Promise<string> => {
  const error = await failureOf(() => parseMetadata(json));
  expect(error.code).toBe("metadata-invalid");
  return error.message;
};

describe("what the smallest document means", () => {
  test("everything that it does not say is empty", () => {
    expect(parse(DOCUMENT)).toEqual({
      format: "PSPF/2025",
      package: { name: "hello", version: "1.0.0" },
      slots: [
        {
          index: 0,
          id: "main",
          source: "main.sh",
          target: "bin/main",
          rawTarget: "bin/main",
          size: 57,
          checksum: HEX as Sha256,
          operations: [],
          purpose: "payload",
          lifecycle: "runtime",
          selfRef: false,
        },
      ],
      execution: { primarySlot: 0, command: "{workenv}/bin/main", env: {} },
      runtimeEnv: { unset: [], pass: [], map: {}, set: {} },
      workenv: { directories: [], env: {} },
      setupCommands: [],
    });
  });

  test("null stands for absent, and unknown members are nobody's business", () => {
    const optional = {
      runtime: null,
      workenv: null,
      setup_commands: null,
      cache_validation: null,
      build: null,
      launcher: null,
    };
    const slot = { permissions: null, resolution: null, self_ref: null, original_size: null, mood: "good" };
    expect(parse({ ...withSlot(slot), ...optional, verification: { signed: 7 }, mood: [{}] })).toEqual(
      parse(DOCUMENT),
    );
  });
});

describe("values with more than one form", () => {
  test.each([
    ["bin/main", "bin/main"],
    ["{workenv}/bin/main", "bin/main"],
    ["{workenv}", ""],
    ["{workenv}/", ""],
    ["", ""],
    [".", ""],
    ["./", ""],
    ["././a", "a"],
    ["a/", "a"],
    ["a//", "a"],
    ["a/./b", "a/./b"],
    ["…/é", "…/é"],
    ["..a/b..", "..a/b.."],
  ])("the target %j is %j in the workenv", (rawTarget, target) => {
    const slot = slotOf({ target: rawTarget });
    expect(slot.target).toBe(target);
    expect(slot.rawTarget).toBe(rawTarget);
  });

  test.each([
    ["/etc/passwd", "it is absolute"],
    ["{workenv}//etc", "it is absolute"],
    ["..", "it contains '..'"],
    ["a/../../b", "it contains '..'"],
    ["{workenv}/../x", "it contains '..'"],
    ["a\0b", "it contains a NUL"],
    ["a/{workenv}", "{workenv} may only stand in front"],
    ["{workenv}x", "{workenv} may only stand in front"],
    ["{workenv}/{workenv}", "{workenv} may only stand in front"],
  ])("the target %j is refused: %s", async (target, fault) => {
    const [line, ...more] = await problemsOf(withSlot({ target }));
    expect(line).toStartWith("slots[0].target: expected a path inside the workenv, got ");
    expect(line).toEndWith(`: ${fault}`);
    expect(more).toEqual([]);
  });

  test.each([`sha256:${HEX}`, `sha256:sha256:${HEX}`])("the checksum %s", (checksum) => {
    expect(slotOf({ checksum }).checksum as string).toBe(HEX);
  });

  test.each([
    "",
    HEX,
    `sha256:${HEX.toUpperCase()}`,
    `SHA256:${HEX}`,
    `sha256:${HEX}0`,
    `sha256:${HEX.slice(1)}`,
    `md5:${HEX}`,
    `sha256: ${HEX}`,
  ])("the checksum %j is refused", async (checksum) => {
    expect(await problemsOf(withSlot({ checksum }))).toHaveLength(1);
  });

  test.each([
    ["0755", 0o755],
    ["755", 0o755],
    ["0o640", 0o640],
    [420, 0o644],
    ["7777", 0o7777],
    ["0", 0],
  ])("the permissions %j", (permissions, mode) => {
    expect(slotOf({ permissions }).permissions).toBe(mode);
  });

  test.each(["", "rwx", "0888", "10000", "-755", " 755", 4096, -1, 1.5, true, {}])(
    "the permissions %j are refused",
    async (permissions) => {
      const [line, ...more] = await problemsOf(withSlot({ permissions }));
      expect(line).toStartWith('slots[0].permissions: expected octal mode bits such as "0755", got ');
      expect(more).toEqual([]);
    },
  );

  test("environments of both spellings, where env wins", () => {
    const execution = { command: "x", environment: { A: "go", B: "b" }, env: { A: "rust", C: "c" } };
    expect(parse({ ...DOCUMENT, execution }).execution.env).toEqual({ A: "rust", B: "b", C: "c" });
  });

  test("a slot that stands for the package has no checksum to be checked", () => {
    const slot = slotOf({ self_ref: true, checksum: "", operations: "", size: 0, source: "$SELF" });
    expect(slot.selfRef).toBeTrue();
    expect(slot.checksum).toBeUndefined();
    expect(slot.operations).toEqual([]);
  });

  test("a size may be negative, as FlavorPack's Rust launcher allows", () => {
    expect(slotOf({ size: -1 }).size).toBe(-1);
  });

  test("names that are members of Object.prototype are just names", () => {
    const text = JSON.stringify(DOCUMENT).replace(
      '"primary_slot":0',
      '"env":{"__proto__":"p","constructor":"c","toString":"t"}',
    );
    const { env } = parseMetadata(utf8(text)).execution;
    expect(Object.entries(env)).toEqual([
      ["__proto__", "p"],
      ["constructor", "c"],
      ["toString", "t"],
    ]);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});

describe("all problems at once, in these words", () => {
  const string = "expected a string, got nothing";
  test.each([
    [
      "a document that is an array",
      [],
      [
        "expected an object, got an array",
        `format: ${string}`,
        'format: expected "PSPF/2025", got ""',
        "package: expected an object, got nothing",
        "slots: expected an array, got nothing",
        `package.name: ${string}`,
        `package.version: ${string}`,
        "execution: expected an object, got nothing",
        `execution.command: ${string}`,
      ],
    ],
    [
      "a slot that is empty",
      { ...DOCUMENT, slots: [{}] },
      [
        `slots[0].target: ${string}`,
        `slots[0].checksum: ${string}`,
        'slots[0].checksum: expected "sha256:" and 64 hex digits, got ""',
        "slots[0].slot: expected a whole number from 0, got nothing",
        `slots[0].id: ${string}`,
        `slots[0].source: ${string}`,
        "slots[0].size: expected a whole number from -9007199254740991, got nothing",
        `slots[0].operations: ${string}`,
        `slots[0].purpose: ${string}`,
        `slots[0].lifecycle: ${string}`,
      ],
    ],
    ["slots that are no objects", { ...DOCUMENT, slots: {} }, ["slots: expected an array, got an object"]],
    [
      "wrong types everywhere",
      {
        format: 2025,
        package: { name: 1, version: null, description: ["x"] },
        slots: [{ ...SLOT, slot: "0", size: 1.5, purpose: 1, resolution: 1, platform: {}, self_ref: "yes" }],
        execution: { primary_slot: -1, command: ["a"], env: { A: 1 }, environment: [] },
        runtime: { env: { unset: "A", pass: [1], map: { A: null }, set: [] } },
        workenv: { directories: [{ path: "../x", mode: "x" }, 7], env: { T: true } },
        setup_commands: {},
        cache_validation: { check_file: 1 },
        build: { tool: 1, deterministic: "yes", platform: { os: 1 } },
        launcher: { size: "17", checksum: "x", tool: 1 },
      },
      [
        "format: expected a string, got 2025",
        'format: expected "PSPF/2025", got ""',
        "package.description: expected a string, got an array",
        'slots[0].self_ref: expected true or false, got "yes"',
        "slots[0].resolution: expected a string, got 1",
        "slots[0].platform: expected a string, got an object",
        'slots[0].slot: expected a whole number from 0, got "0"',
        "slots[0].size: expected a whole number from -9007199254740991, got 1.5",
        "slots[0].purpose: expected a string, got 1",
        "setup_commands: expected an array, got an object",
        "build.tool: expected a string, got 1",
        'build.deterministic: expected true or false, got "yes"',
        "build.platform.os: expected a string, got 1",
        "launcher.tool: expected a string, got 1",
        'launcher.size: expected a whole number from 0, got "17"',
        'launcher.checksum: expected "sha256:" and 64 hex digits, got "x"',
        "package.name: expected a string, got 1",
        "package.version: expected a string, got null",
        "execution.primary_slot: expected a whole number from 0, got -1",
        "execution.command: expected a string, got an array",
        "execution.environment: expected an object, got an array",
        "execution.env.A: expected a string, got 1",
        'runtime.env.unset: expected an array, got "A"',
        "runtime.env.pass[0]: expected a string, got 1",
        "runtime.env.map.A: expected a string, got null",
        "runtime.env.set: expected an object, got an array",
        'workenv.directories[0].mode: expected octal mode bits such as "0755", got "x"',
        `workenv.directories[0].path: expected a path inside the workenv, got "../x": it contains '..'`,
        "workenv.directories[1]: expected an object, got 7",
        `workenv.directories[1].path: ${string}`,
        "workenv.env.T: expected a string, got true",
        "cache_validation.check_file: expected a string, got 1",
        `cache_validation.expected_content: ${string}`,
      ],
    ],
    [
      "another format",
      { ...DOCUMENT, format: "PSPF/2026" },
      ['format: expected "PSPF/2025", got "PSPF/2026"'],
    ],
    [
      "slots in another order",
      {
        ...DOCUMENT,
        slots: [
          { ...SLOT, slot: 1 },
          { ...SLOT, slot: 0 },
        ],
      },
      ["slots[0].slot: expected 0, got 1", "slots[1].slot: expected 1, got 0"],
    ],
    [
      "an operation that is not in the registry",
      withSlot({ operations: "rot13" }),
      [
        'slots[0].operations: Cannot use this chain of operations: the operation "rot13" is not in the registry',
      ],
    ],
    [
      "an original size below zero",
      withSlot({ original_size: -1 }),
      ["slots[0].original_size: expected a whole number from 0, got -1"],
    ],
    [
      "a size past 2^53",
      withSlot({ size: 2 ** 53 }),
      ["slots[0].size: expected a whole number from -9007199254740991, got 9007199254740992"],
    ],
    [
      "statements of keys that are none",
      withStatements({}, 5),
      [
        "verification.key_statements[0].schema: expected one of flavor.statement/1, got nothing",
        "verification.key_statements[0].kind: expected one of rotation, revocation, got nothing",
        `verification.key_statements[0].created: ${string}`,
        `verification.key_statements[0].signature: ${string}`,
        `verification.key_statements[0].from: ${string}`,
        `verification.key_statements[0].to: ${string}`,
        "verification.key_statements[0].packages: expected an array, got nothing",
        "verification.key_statements[1]: expected an object, got 5",
        "verification.key_statements[1].schema: expected one of flavor.statement/1, got nothing",
        "verification.key_statements[1].kind: expected one of rotation, revocation, got nothing",
        `verification.key_statements[1].created: ${string}`,
        `verification.key_statements[1].signature: ${string}`,
        `verification.key_statements[1].from: ${string}`,
        `verification.key_statements[1].to: ${string}`,
        "verification.key_statements[1].packages: expected an array, got nothing",
      ],
    ],
    [
      "a statement with a member that nobody has signed",
      withStatements({ ...REVOCATION, to: HEX }),
      ["verification.key_statements[0].to: a revocation has no such member"],
    ],
    [
      "more statements than anybody follows",
      withStatements(...Array(65).fill(REVOCATION)),
      ["verification.key_statements: 65 are too many, at most 64"],
    ],
  ] as readonly (readonly [string, unknown, readonly string[]])[])("%s", async (_, document, lines) => {
    expect(await problemsOf(document)).toEqual([...lines]);
  });

  test("no more than a hundred, and how many more there are", async () => {
    const some = await problemsOf({ ...DOCUMENT, slots: Array.from({ length: 30 }, () => 7) });
    expect(some).toHaveLength(101);
    expect(some.at(-1)).toMatch(/^and \d+ more$/);
    const many = await problemsOf({ ...DOCUMENT, slots: Array.from({ length: 100_000 }, () => 7) });
    expect(many).toHaveLength(101);
    expect(many.at(-1)).toBe("and more than 900 more");
  });

  test("more slots than are accepted", async () => {
    const slots = Array.from({ length: 4097 }, (_, slot) => ({ ...SLOT, slot }));
    expect(await problemsOf({ ...DOCUMENT, slots })).toEqual(["slots: 4097 are too many, at most 4096"]);
    expect(
      parse({ ...DOCUMENT, slots: slots.slice(1).map((slot, i) => ({ ...slot, slot: i })) }).slots,
    ).toHaveLength(4096);
  });

  test("text of a package can neither break lines nor steer a terminal", async () => {
    const [line] = await problemsOf({ ...DOCUMENT, format: "a\n\u001b[31m\u202eb" });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(line).not.toMatch(/[\u0000-\u001f\u202e]/);
  });
});

test("a key that was made for one build says so; any other word than true is none", () => {
  const sealed = (seal: unknown) => ({ ...DOCUMENT, verification: { integrity_seal: seal } });
  expect(parse(sealed({ required: true, ephemeral: true })).isAnonymous).toBe(true);
  for (const seal of [undefined, null, {}, { ephemeral: false }, { ephemeral: null }])
    expect(parse(sealed(seal))).not.toHaveProperty("isAnonymous");
  for (const seal of [{ ephemeral: "true" }, { ephemeral: 1 }, [], { Ephemeral: true }])
    expect(() => parse(sealed(seal))).toThrow("Cannot use the metadata");
});

describe("keys in another case have two meanings", () => {
  test.each([
    [{ EXECUTION: { command: "evil" } }, 'EXECUTION: a key in the wrong case, expected "execution"'],
    [{ Slots: [] }, 'Slots: a key in the wrong case, expected "slots"'],
    [{ "pac\u212Aage": {} }, '["pac\u212Aage"]: a key in the wrong case, expected "package"'],
    [{ "\u017Flots": [] }, '["\u017Flots"]: a key in the wrong case, expected "slots"'],
    [
      { execution: { ...DOCUMENT.execution, Command: "evil" } },
      'execution.Command: a key in the wrong case, expected "command"',
    ],
    [
      { execution: { ...DOCUMENT.execution, ENV: { A: "1" } } },
      'execution.ENV: a key in the wrong case, expected "env"',
    ],
    [
      { slots: [{ ...SLOT, Checksum: "" }] },
      'slots[0].Checksum: a key in the wrong case, expected "checksum"',
    ],
    [
      { slots: [{ ...SLOT, "chec\u212Asum": "" }] },
      'slots[0]["chec\u212Asum"]: a key in the wrong case, expected "checksum"',
    ],
    [
      { verification: { Key_Statements: [] } },
      'verification.Key_Statements: a key in the wrong case, expected "key_statements"',
    ],
    [{ runtime: { Env: {} } }, 'runtime.Env: a key in the wrong case, expected "env"'],
    [{ runtime: { env: { PASS: ["*"] } } }, 'runtime.env.PASS: a key in the wrong case, expected "pass"'],
    [
      { setup_commands: [{ type: "execute", command: "a", COMMAND: "b" }] },
      'setup_commands[0].COMMAND: a key in the wrong case, expected "command"',
    ],
  ] as const)("%j", async (members, line) => {
    expect(await problemsOf({ ...DOCUMENT, ...members })).toEqual([line]);
  });

  test("but not where the keys are names of variables", () => {
    const names = { PATH: "1", Env: "2", SLOTS: "3", "\u212Aey": "4" };
    const metadata = parse({
      ...DOCUMENT,
      execution: { command: "x", env: names, environment: names },
      runtime: { env: { map: names, set: names } },
      workenv: { env: names },
    });
    expect(metadata.execution.env).toEqual(names);
    expect(metadata.runtimeEnv.map).toEqual(names);
    expect(metadata.runtimeEnv.set).toEqual(names);
    expect(metadata.workenv.env).toEqual(names);
  });
});

describe("text that readers do not read alike", () => {
  const text = JSON.stringify(DOCUMENT);
  test.each([
    ["a second value", `${text}{}`, "text after the end of the document"],
    ["words behind it", `${text} // fine`, "text after the end of the document"],
    ["a NUL behind it", `${text}\0`, "text after the end of the document"],
    ["a byte order mark", `\uFEFF${text}`, "expected a value at line 1, column 1"],
    [
      "a key that stands twice",
      text.replace('"slots"', '"format":"PSPF/2025","slots"'),
      'the key "format" stands twice',
    ],
    [
      "a nested key that stands twice",
      text.replace('"command"', '"command":"evil","command"'),
      'the key "command" stands twice',
    ],
    [
      "a key that stands twice, once escaped",
      text.replace('"command"', '"c\\u006fmmand":"evil","command"'),
      'the key "command" stands twice',
    ],
    ["a trailing comma", text.replace(/}$/, ",}"), "expected a string"],
    ["single quotes", text.replaceAll('"', "'"), "expected a string"],
    ["nothing", "", "expected a value"],
    ["blanks", " \n", "expected a value"],
    ["NaN", text.replace("57", "NaN"), "expected a value"],
    ["half of it", text.slice(0, text.length / 2), "expected"],
    ["depth", `${"[".repeat(100_000)}`, "nested too deeply"],
  ])("%s", async (_, json, state) => {
    expect(await messageOf(utf8(json))).toContain(state);
  });

  test.each([
    ["a lone byte", "ff"],
    ["a character cut short", "e282"],
    ["an overlong slash", "c0af"],
    ["a surrogate", "eda080"],
    ["past the last character", "f4908080"],
  ])("invalid UTF-8: %s", async (_, hex) => {
    const json = utf8(JSON.stringify({ ...DOCUMENT, package: { name: "X", version: "1" } }));
    const at = Buffer.from(json).indexOf('"X"') + 1;
    const broken = new Uint8Array([...json.slice(0, at), ...Uint8Array.fromHex(hex), ...json.slice(at + 1)]);
    expect(await messageOf(broken)).toBe("Cannot parse the metadata: it is not UTF-8");
  });

  test("any JSON value is metadata or refused by name", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => parse(value)).toThrow(PspfError);
      }),
    );
  });

  test("a document with one member replaced by anything is metadata or refused by name", () => {
    const paths = [
      (value: unknown) => ({ ...DOCUMENT, package: value }),
      (value: unknown) => ({ ...DOCUMENT, slots: [value] }),
      (value: unknown) => ({ ...DOCUMENT, execution: value }),
      (value: unknown) => ({ ...DOCUMENT, runtime: { env: value } }),
      (value: unknown) => ({ ...DOCUMENT, workenv: value }),
      (value: unknown) => ({ ...DOCUMENT, setup_commands: value }),
      (value: unknown) => ({ ...DOCUMENT, build: value }),
      (value: unknown) => ({ ...DOCUMENT, launcher: value }),
      ...Object.keys(SLOT).map((key) => (value: unknown) => withSlot({ [key]: value })),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (place, value) => {
        try {
          parse(place(value));
        } catch (error) {
          expect(error).toBeInstanceOf(PspfError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("what our builder writes is read as it was meant", () => {
  const word = fc.string({ maxLength: 12 });
  const variable = fc.string({ minLength: 1, maxLength: 12 }).filter((name) => !name.includes("="));
  const names = fc.dictionary(variable, word, { maxKeys: 4 });
  const renames = fc.dictionary(variable, variable, { maxKeys: 4 });
  const mode = fc.nat(0o7777);
  const count = fc.nat(Number.MAX_SAFE_INTEGER);
  const path = fc
    .array(
      fc
        .stringMatching(/^[a-zA-Z0-9 _-]{1,8}$/)
        .filter((part) => !/^(con|prn|aux|nul|com\d|lpt\d)$/i.test(part) && part.trim() === part),
      { maxLength: 3 },
    )
    .map((parts) => parts.join("/"));
  const checksum = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((value) => new Uint8Array(value).toHex() as Sha256);
  const operations = fc.array(fc.constantFrom(...(Object.keys(OPERATIONS) as OperationName[])), {
    maxLength: 8,
  });
  const optional = { requiredKeys: [] as never[] };

  const slot = fc
    .tuple(
      fc.record({
        id: word,
        source: word,
        target: path,
        size: count,
        operations,
        purpose: word,
        lifecycle: word,
        selfRef: fc.boolean(),
        resolution: word,
      }),
      checksum,
      fc.record({ originalSize: count, permissions: mode, platform: word }, optional),
    )
    .map(([slot, sum, rest]) => ({
      ...slot,
      ...(slot.selfRef ? {} : { checksum: sum }),
      ...rest,
      rawTarget: slot.target === "" ? "{workenv}" : slot.target,
    }));

  const setup: fc.Arbitrary<SetupCommand> = fc.oneof(
    fc.record({ type: fc.constant("execute" as const), command: word }),
    fc.record({
      type: fc.constant("enumerate_and_execute" as const),
      command: word,
      enumerate: fc.record({ path: word, pattern: word }),
    }),
    fc.record(
      { type: fc.constant("write_file" as const), path: word, content: word, mode },
      { requiredKeys: ["type", "path", "content"] },
    ),
    fc.record({ type: fc.constant("chmod" as const), path: word, mode }),
  );

  const signed = {
    created: fc.constant("2026-01-31T12:00:00.5Z"),
    signature: fc.uint8Array({ minLength: 64, maxLength: 64 }).map((bytes) => bytes.toBase64()),
  };
  const pattern = word.filter((text) => text !== "");
  const statement: fc.Arbitrary<Statement> = fc.oneof(
    fc
      .record({ ...signed, from: checksum, to: checksum, packages: fc.array(pattern, { maxLength: 3 }) })
      .filter(({ from, to }) => from !== to)
      .map((rotation) => ({ kind: "rotation" as const, ...rotation })),
    fc
      .record({ ...signed, key: checksum, reason: word })
      .map((revocation) => ({ kind: "revocation" as const, ...revocation })),
  );

  const metadata: fc.Arbitrary<Metadata> = fc
    .tuple(
      fc.record({
        format: fc.constant(FORMAT_NAME),
        package: fc.record({ name: word, version: word, description: word }),
        slots: fc
          .array(slot, { maxLength: 4 })
          .map((slots) => slots.map((each, index) => ({ ...each, index }))),
        execution: fc.record({ primarySlot: count, command: word, env: names }),
        runtimeEnv: fc.record({ unset: fc.array(word), pass: fc.array(word), map: renames, set: names }),
        workenv: fc.record({
          directories: fc.array(fc.record({ path, mode }, { requiredKeys: ["path"] }), { maxLength: 3 }),
          env: names,
        }),
        setupCommands: fc.array(setup, { maxLength: 4 }),
      }),
      fc.record(
        {
          cacheValidation: fc.record({ checkFile: word, expectedContent: word }),
          build: fc.record({
            tool: word,
            toolVersion: word,
            timestamp: word,
            deterministic: fc.boolean(),
            platform: fc.record({ os: word, arch: word, host: word }),
          }),
          launcher: fc.record({ tool: word, toolVersion: word, size: count, checksum }),
          statements: fc.array(statement, { minLength: 1, maxLength: 3 }),
          isAnonymous: fc.constant(true),
        },
        optional,
      ),
    )
    .map(([required, rest]) => ({ ...required, ...rest }) as Metadata);

  test.each(["own", "flavorpack"] as const)("with operations spelled %s", (spelling) => {
    fc.assert(
      fc.property(metadata, (value) => {
        expect(parseMetadata(encodeMetadata(value, { operations: spelling }))).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test("equal metadata gives equal bytes", () => {
    fc.assert(
      fc.property(metadata, (value) => {
        const copy = structuredClone(value);
        expect(encodeMetadata(copy, { operations: "own" })).toEqual(
          encodeMetadata(value, { operations: "own" }),
        );
      }),
      { numRuns: 50 },
    );
  });

  test("operations keep their order in both spellings", () => {
    fc.assert(
      fc.property(operations, (chain) => {
        expect(slotOf({ operations: formatOperations(chain) }).operations).toEqual(chain);
      }),
    );
  });
});
