import { posix } from "node:path";
import fc from "fast-check";
import { executableKind } from "../../../builder/launchers/executable-kind.ts";
import { globMatcher } from "../../../format/command/environment.ts";
import { fillTemplate } from "../../../format/command/template.ts";
import { splitWords } from "../../../format/command/words.ts";
import { faultOfName, resolveInside } from "../../../format/io/paths.ts";
import { privateKeyPem, publicKeyPem, readPrivateKey, readPublicKey } from "../../../format/seal/keys.ts";
import { faultOfLinkTarget } from "../../../format/tar/link-target.ts";
import { checkSupported, formatOperations, parseOperations } from "../../../format/wire/operations.ts";
import { must, type Target } from "../target.ts";
import { anyBytes, oddText, textOf, utf8 } from "./material.ts";

const operations: Target = {
  name: "operations",
  allowed: ["operation-unsupported"],
  structured: fc
    .array(
      fc.constantFrom("tar", "gzip", "zstd", "xz", "bzip2", "7z", "TGZ", "raw", "", " tar ", "constructor"),
      { maxLength: 9 },
    )
    .map((names) => utf8(names.join("|"))),
  tokens: ["|", ",", "tar", "raw", "tar.gz", "none"],
  run(input) {
    const chain = parseOperations(textOf(input));
    must(Bun.deepEquals(parseOperations(formatOperations(chain)), chain), "a chain is read as it is written");
    checkSupported(chain);
    return `${chain.length}`;
  },
};

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

const words: Target = {
  name: "words",
  allowed: ["command-invalid"],
  structured: oddText(40).map(utf8),
  tokens: ["'", '"', "\\", " ", "\\\n", "{slot:0}", "{workenv}"],
  run(input) {
    const found = splitWords(textOf(input));
    must(Bun.deepEquals(splitWords(found.map(quoted).join(" ")), found), "quoted words are the same words");
    return `${Math.min(found.length, 6)}`;
  },
};

const SCOPE = {
  workenv: "/w {slot:0}",
  packageName: "{version}",
  version: "1",
  slots: ["/w/0", "/w/1"],
  primarySlot: 1,
  os: "linux",
  arch: "amd64",
  bun: "/bun",
};

const template: Target = {
  name: "template",
  allowed: ["command-invalid"],
  structured: fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "{slot:0}",
          "{slot:1}",
          "{slot:2}",
          "{primary}",
          "{workenv}",
          "{",
          "}",
          "{file}",
          "$&",
        ),
        oddText(6),
      ),
      { maxLength: 6 },
    )
    .map((parts) => utf8(parts.join(""))),
  tokens: ["{slot:", "}", "{workenv}", "{primary}", "{platform}", "{slot:99999999999999999999}"],
  run(input) {
    const text = textOf(input);
    const filled = fillTemplate(text, SCOPE);
    must(text.includes("{") || filled === text, "a text without braces stays as it is");
    return `${filled === text}`;
  },
};

/** Pattern and name, with a NUL between them. */
const pairs = (
  first: fc.Arbitrary<string>,
  second: fc.Arbitrary<string>,
): fc.Arbitrary<Uint8Array<ArrayBuffer>> => fc.tuple(first, second).map(([a, b]) => utf8(`${a}\0${b}`));

function pairIn(input: Uint8Array): readonly [string, string] {
  const text = textOf(new Uint8Array(input));
  const at = text.indexOf("\0");
  return at < 0 ? [text, "ABBA"] : [text.slice(0, at), text.slice(at + 1)];
}

/** What `*` and `?` mean, by the book: which parts of the name the pattern can have reached. */
function matchesSimply(pattern: string, name: string): boolean {
  let reached = new Set([0]);
  for (const char of pattern.split("")) {
    const next = new Set<number>();
    for (const at of reached)
      if (char === "*") for (let i = at; i <= name.length; i++) next.add(i);
      else if (at < name.length && (char === "?" || char === name[at])) next.add(at + 1);
    reached = next;
  }
  return reached.has(name.length);
}

const globText = fc.string({ unit: fc.constantFrom(..."*?[]!^-\\.aAbB9zZ$+|{}()"), maxLength: 14 });

const glob: Target = {
  name: "glob",
  allowed: [],
  maxSize: 300,
  structured: pairs(globText, fc.string({ unit: fc.constantFrom(..."aAbB9zZ-^]["), maxLength: 24 })),
  tokens: ["*", "[", "]", "[!", "[^", "z-a", "*a", "\0"],
  run(input) {
    const [pattern, name] = pairIn(input);
    const found = globMatcher(pattern)(name);
    must(
      pattern.includes("[") || found === matchesSimply(pattern, name),
      "stars and question marks mean what they mean",
    );
    return `${found}`;
  },
};

const pathText = fc.oneof(
  fc
    .array(fc.constantFrom("a", "..", ".", "", "C:", "con", "b.", "NUL.txt", "~", "\\\\x"), { maxLength: 6 })
    .map((parts) => parts.join("/")),
  oddText(16),
);

const ROOT = "/root/of tree";
const isBelow = (path: string): boolean => path === ROOT || path.startsWith(`${ROOT}/`);

const paths: Target = {
  name: "paths",
  allowed: ["path-escapes"],
  maxSize: 5000,
  structured: pairs(pathText, pathText),
  tokens: ["..", "/", "\\", "C:", "../", "con", "\0", "./"],
  run(input) {
    const [path, link] = pairIn(input);
    for (const windows of [false, true]) {
      const fault = faultOfLinkTarget(path, link, { windows });
      const leads = posix.resolve(ROOT, posix.dirname(path), link);
      must(
        fault !== undefined || faultOfName(path, { windows }) !== undefined || isBelow(leads),
        "a link that is let in stays in",
      );
    }
    const inside = resolveInside(ROOT, path, { windows: false });
    must(isBelow(inside), "a path that is let in stays in");
    must(isBelow(resolveInside(ROOT, path, { windows: true })), "also with the rules of Windows");
    return `${inside === ROOT}`;
  },
};

const pem = (label: string) =>
  fc.oneof(
    anyBytes(60).map((der) => utf8(`-----BEGIN ${label}-----\n${der.toBase64()}\n-----END ${label}-----\n`)),
    anyBytes(32),
  );

const SEED = new Uint8Array(32).fill(7);

const keys: Target = {
  name: "keys",
  allowed: ["key-invalid"],
  structured: fc.oneof(
    pem("PRIVATE KEY"),
    pem("PUBLIC KEY"),
    pem("ED25519 PRIVATE KEY"),
    fc.constantFrom(new Uint8Array(32), utf8(privateKeyPem(SEED)), utf8(publicKeyPem(SEED))),
  ),
  tokens: ["-----BEGIN ", "-----END ", "PRIVATE KEY", "PUBLIC KEY", "-----\n", "MC4CAQAwBQYDK2VwBCIEI"],
  run(input) {
    const isPrivate = Buffer.from(input).includes("PRIVATE");
    must((isPrivate ? readPrivateKey : readPublicKey)(input, "key").length === 32, "a key has 32 bytes");
    return `${isPrivate}`;
  },
};

const executables: Target = {
  name: "executable",
  allowed: [],
  structured: fc
    .tuple(fc.constantFrom("\x7fELF\x02\x01", "\xcf\xfa\xed\xfe", "MZ", "#!"), anyBytes(200))
    .map(([magic, rest]) => new Uint8Array([...Buffer.from(magic, "latin1"), ...rest])),
  tokens: ["\x7fELF\x02\x01", "\xcf\xfa\xed\xfe", "MZ", "PE\0\0", "\x3e\0", "\x64\x86"],
  run: (input) => JSON.stringify(executableKind(input)) ?? "none",
};

/** Short texts with a grammar of their own, and the heads of files. */
export const WORD_TARGETS: readonly Target[] = [operations, words, template, glob, paths, keys, executables];
