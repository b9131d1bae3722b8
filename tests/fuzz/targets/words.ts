import { posix } from "node:path";
import fc from "fast-check";
import { parseSignature } from "../../../builder/signing/signature-text.ts";
import { executableKind } from "../../../builder/launchers/executable-kind.ts";
import { globMatcher } from "../../../format/command/globs.ts";
import { fillTemplate } from "../../../format/command/template.ts";
import { splitWords } from "../../../format/command/words.ts";
import { faultOfName, resolveInside } from "../../../format/io/paths.ts";
import { decodeText, encodeText } from "../../../format/io/text-bytes.ts";
import { decryptPrivateKey } from "../../../format/seal/encrypted-key.ts";
import { privateKeyPem, publicKeyPem, readPrivateKey, readPublicKey } from "../../../format/seal/keys.ts";
import { writePem } from "../../../format/seal/pem.ts";
import { faultOfLinkTarget } from "../../../format/tar/link-target.ts";
import { checkSupported, formatOperations, parseOperations } from "../../../format/wire/operations.ts";
import { corpusOf, isFind } from "../corpus.ts";
import { must, type Target } from "../target.ts";
import { anyBytes, matchesSimply, oddText, pairIn, pairs, textOf, utf8 } from "./material.ts";

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
      pattern.includes("[") || found === matchesSimply(pattern, name, "*?"),
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

const encryptedKeys: Target = {
  name: "encrypted-key",
  allowed: ["key-invalid"],
  maxSize: 2000,
  slowest: 15_000,
  // What "openssl pkcs8" makes of a key with the passphrase "secret", as cheap as it can.
  structured: fc.constantFrom(
    ...corpusOf("encrypted-key").flatMap(({ name, bytes }) => (isFind(name) ? [] : [bytes])),
  ),
  tokens: ["\x30", "\x04", "\x02\x01", "\x02\x03", "\x06\x09", "\x82", "\x80", "\xff", "\x04\x00"],
  run(input) {
    const file = utf8(writePem("ENCRYPTED PRIVATE KEY", input));
    must(decryptPrivateKey(file, "key", "secret").length === 32, "a key has 32 bytes");
    return "";
  },
};

const signatures: Target = {
  name: "signature",
  allowed: [],
  structured: fc
    .tuple(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.nat(3))
    .map(([bytes, form]) =>
      form === 0
        ? new Uint8Array(bytes)
        : utf8(
            form === 1
              ? bytes.toHex()
              : form === 2
                ? `${bytes.toBase64()}\n`
                : bytes.toBase64().replace("==", ""),
          ),
    ),
  tokens: ["\n", " ", "=", "==", "-", "_", "0x"],
  run(input) {
    const found = parseSignature(input);
    must(found === undefined || found.length === 64, "a signature has 64 bytes");
    return found && `${input.length === 64}`;
  },
};

/** Arguments and variables, whatever bytes they are. */
const handed: Target = {
  name: "handed",
  allowed: [],
  structured: fc.oneof(anyBytes(60), oddText(20).map(utf8)),
  tokens: [
    "\xff",
    "\xc0\x80",
    "\xed\xa0\x80",
    "\xed\xb2\x80",
    "\xf0\x9f\x98\x80",
    "\xf4\x90\x80\x80",
    "\xef\xbb\xbf",
    "\xe2\x82",
  ],
  run(input) {
    const text = decodeText(input);
    must(Buffer.compare(encodeText(text), input) === 0, "the same bytes come back");
    return `${text.isWellFormed()}`;
  },
};

/** ELF, Mach-O and PE up to the number of their processor, and a script. */
const HEADS = [
  `7f454c460201${"00".repeat(12)}3e00`,
  "cffaedfe0c000001",
  `4d5a${"00".repeat(58)}400000005045000064aa`,
  "2321",
].map((hex) => Uint8Array.fromHex(hex));

const executables: Target = {
  name: "executable",
  allowed: [],
  structured: fc
    .tuple(fc.constantFrom(...HEADS), anyBytes(200))
    .map(([head, rest]) => new Uint8Array([...head, ...new Uint8Array(64), ...rest])),
  tokens: ["\x7fELF\x02\x01", "\xcf\xfa\xed\xfe", "MZ", "PE\0\0", "\x3e\0", "\x64\x86"],
  run: (input) => JSON.stringify(executableKind(input)),
};

/** Short texts with a grammar of their own, and the heads of files. */
export const WORD_TARGETS: readonly Target[] = [
  operations,
  words,
  template,
  glob,
  paths,
  keys,
  encryptedKeys,
  signatures,
  handed,
  executables,
];
