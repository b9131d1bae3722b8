import { describe, expect, test } from "bun:test";
import { causesOf, type ErrorCode, EXIT_CODES, exitCodeOf, PspfError, renderError } from "./errors.ts";

const CODES = Object.keys(EXIT_CODES) as ErrorCode[];

describe("codes", () => {
  test.each(CODES)("%s is kebab-case, has an exit code from 101 to 110 and keeps it", (code) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(EXIT_CODES[code]).toBeWithin(101, 111);
    expect(new PspfError(code, "Cannot do it: it is a test").exitCode).toBe(EXIT_CODES[code]);
  });

  test("each exit code that the documents name has at least one error", () => {
    expect([...new Set(Object.values(EXIT_CODES))].sort()).toEqual([
      101, 102, 103, 104, 105, 106, 107, 108, 109, 110,
    ]);
  });

  test.each([
    ["one of ours", new PspfError("signature-invalid", "x"), 107],
    ["another error", new TypeError("x"), 101],
    ["text", "x", 101],
    ["nothing", undefined, 101],
  ] as const)("exitCodeOf %s", (_, thrown, exitCode) => {
    expect(exitCodeOf(thrown)).toBe(exitCode);
  });
});

describe("PspfError", () => {
  test("has no hint, no problems and no cause unless they are given", () => {
    const error = new PspfError("io-failed", "Cannot read x");
    expect(error.hint).toBeUndefined();
    expect(error.problems).toEqual([]);
    expect("cause" in error).toBeFalse();
    expect(error.name).toBe("PspfError");
    expect(error).toBeInstanceOf(Error);
  });
});

describe("what an error says", () => {
  const STEERING = "a\u001b[31mb\nc\u0085d\u009be\u2028f\u202eg\u2066h\u007fi\0";
  const HARMLESS = "a\\u001b[31mb\\u000ac\\u0085d\\u009be\\u2028f\\u202eg\\u2066h\\u007fi\\u0000";

  test("is one line each and steers no terminal, whatever it quotes", () => {
    const cause = new Error(STEERING);
    const error = new PspfError("io-failed", STEERING, { hint: STEERING, problems: [STEERING], cause });
    expect([error.message, error.hint, ...error.problems]).toEqual([HARMLESS, HARMLESS, HARMLESS]);
    expect(renderError(error).split("\n")).toEqual([
      `error: ${HARMLESS} [io-failed]`,
      `  ${HARMLESS}`,
      `  caused by: ${HARMLESS}`,
      `  hint: ${HARMLESS}`,
    ]);
  });

  test("is cut when a whole document is quoted; other alphabets stay as they are", () => {
    expect(new PspfError("io-failed", "ä".repeat(100_000)).message).toBe(`${"ä".repeat(10_000)}…`);
    expect(new PspfError("io-failed", "Grüße, 世界 🌍").message).toBe("Grüße, 世界 🌍");
  });
});

describe("a private key in an error is cut out", () => {
  const body = "MC4CAQAwBQYDK2VwBCIEIK/QzWqdwyFq7a3Ep6wefEQDHumZffCOymOzFWFvC6xM";
  const pem = `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`;

  test.each([
    ["PEM", pem],
    ["PEM on one line", pem.replaceAll("\n", " ")],
    ["PEM as a JSON string", JSON.stringify(pem).slice(1, -1)],
    ["PEM that is cut", pem.slice(0, 60)],
    [
      "PEM with another label",
      pem.replaceAll("PRIVATE", "ED25519 PRIVATE").replace("MC4C", "AAAA").replace("BQYD", "A"),
    ],
    ["base64 alone", body],
    ["base64 of a key with its public half", body.replace("MC4CAQAw", "MFECAQEw")],
  ])("%s", (_, key) => {
    const cause = new Error(`no such file: ${key}`, { cause: new TypeError(`x ${key}`) });
    const error = new PspfError("io-failed", `Cannot read ${key}`, {
      cause,
      hint: `is ${key} right?`,
      problems: [key],
    });
    const text = [error.message, error.hint, error.problems, renderError(error), renderError(cause)].join(
      "\n",
    );
    for (const part of [body.slice(-12), body.slice(28, 40), key]) expect(text).not.toContain(part);
    expect(error.message).toMatch(/^Cannot read (M[\w+]{7})?\(a private key\)$/);
    expect(causesOf(error).map((text) => text.replace(/M[\w+]{7}\(/, "("))).toEqual([
      "no such file: (a private key)",
      "x (a private key)",
    ]);
  });

  test("and what stands around it stays, as public keys do", () => {
    const { message } = new PspfError("io-failed", `Cannot read ${pem} and ${pem}: they are no files`);
    expect(message).toBe("Cannot read (a private key) and (a private key): they are no files");
    const text = "-----BEGIN PUBLIC KEY----- MCowBQYDK2VwAyEA -----END PUBLIC KEY-----";
    expect(new PspfError("io-failed", text).message).toBe(text);
  });
});

describe("renderError", () => {
  test.each([
    {
      what: "the message and the code",
      error: new PspfError("io-failed", "Cannot read x: it is gone"),
      text: "error: Cannot read x: it is gone [io-failed]",
    },
    {
      what: "problems, causes and hint, one per line and in this order",
      error: new PspfError("manifest-invalid", "Cannot use flavor.toml", {
        problems: ["a: expected a string", "b: expected a number"],
        cause: new Error("outer", { cause: new Error("inner") }),
        hint: "see the documents",
      }),
      text: [
        "error: Cannot use flavor.toml [manifest-invalid]",
        "  a: expected a string",
        "  b: expected a number",
        "  caused by: outer",
        "  caused by: inner",
        "  hint: see the documents",
      ].join("\n"),
    },
    {
      what: "no cause that is not an error",
      error: new PspfError("io-failed", "Cannot read x", { cause: "EIO" }),
      text: "error: Cannot read x [io-failed]",
    },
  ])("shows $what", ({ error, text }) => {
    expect(renderError(error)).toBe(text);
  });

  test("spells out what would steer a terminal, wherever it stands", () => {
    const evil = "\u001b[2Ja\nb\u009b\u202e";
    const error = new PspfError("io-failed", evil, { problems: [evil], hint: evil, cause: new Error(evil) });
    const spelled = "\\u001b[2Ja\\u000ab\\u009b\\u202e";
    expect(renderError(error).split("\n")).toEqual([
      `error: ${spelled} [io-failed]`,
      `  ${spelled}`,
      `  caused by: ${spelled}`,
      `  hint: ${spelled}`,
    ]);
  });

  test("begins with who speaks", () => {
    expect(renderError(new PspfError("io-failed", "Cannot read x"), "myapp")).toBe(
      "myapp: Cannot read x [io-failed]",
    );
    expect(renderError("what", "myapp")).toBe("myapp: internal error: what");
    expect(renderError("what", "\u001b[2J\n")).toBe("\\u001b[2J\\u000a: internal error: what");
    expect(renderError(new PspfError("io-failed", "Cannot"), "\n")).toBe("\\u000a: Cannot [io-failed]");
  });

  test("shows the stack of an error that is not ours, because it is our bug", () => {
    const text = renderError(new RangeError("off by one"));
    expect(text).toStartWith("error: internal error: ");
    expect(text).toContain("off by one");
    expect(text).toContain("errors.test.ts");
  });

  test("shows the message of an error without a stack", () => {
    const error = new Error("no stack here");
    delete error.stack;
    expect(renderError(error)).toBe("error: internal error: no stack here");
  });

  test.each([
    [undefined, "undefined"],
    [null, "null"],
    [7, "7"],
    ["words", "words"],
  ])("survives that %p was thrown", (thrown, text) => {
    expect(renderError(thrown)).toBe(`error: internal error: ${text}`);
  });
});
