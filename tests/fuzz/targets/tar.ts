import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import fc from "fast-check";
import { PspfError } from "../../../format/errors.ts";
import { openTreeWriter } from "../../../format/io/tree-writer.ts";
import { BLOCK } from "../../../format/tar/header.ts";
import { parsePax } from "../../../format/tar/pax.ts";
import { tarParser } from "../../../format/tar/tar-parser.ts";
import { checksumOf, END, paxRecord, rawEntry } from "../../../format/tar/testing.ts";
import { unpackTar } from "../../../format/tar/unpack.ts";
import type { Bytes } from "../../../format/types.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { must, type Target } from "../target.ts";
import { joined, oddText, utf8 } from "./material.ts";

const NAMES = fc.oneof(
  fc.constantFrom(
    "a",
    "a/b",
    "a/b/c",
    "d/",
    "./a",
    "../a",
    "/etc/x",
    "a/../b",
    "l",
    "l/x",
    "A",
    "con",
    "a.",
    "ä",
    "a\\b",
  ),
  oddText(10),
);

/** Entries without a fault. */
const PLAIN: fc.Arbitrary<Bytes> = fc
  .tuple(fc.constantFrom("a", "b/c", "b/d/e", "f"), fc.constantFrom("0", "5", "2"), fc.boolean())
  .map(([name, type, hasBody]) =>
    rawEntry({
      name: `${type}/${name}`,
      type,
      mode: 0o755,
      linkName: type === "2" ? "x" : "",
      body: hasBody && type === "0" ? "some text" : "",
    }),
  );

/** One entry, its fields from a small set of names, so that entries meet each other. */
const entries: fc.Arbitrary<Bytes> = fc
  .record(
    {
      name: NAMES,
      type: fc.constantFrom("0", "\0", "1", "2", "3", "5", "6", "7", "g", "x", "X", "L", "K", "S", "V", "D"),
      mode: fc.constantFrom(0o644, 0o755, 0, 0o4755, 0o7777),
      mtime: fc.constantFrom(0, 1, 2 ** 31),
      linkName: NAMES,
      prefix: fc.constantFrom("", "p", ".."),
      magic: fc.constantFrom("ustar\0" + "00", "ustar  \0", ""),
      body: fc.oneof(fc.constantFrom("", "text", "x".repeat(600)), paxBodies()),
      size: fc.constantFrom(undefined, undefined, undefined, undefined, 0, 1, 512, 513, 2 ** 32),
    },
    { requiredKeys: ["name"] },
  )
  .map(({ size, ...rest }) =>
    rawEntry({ ...definedOf(rest), name: rest.name, ...(size === undefined ? {} : { size }) }),
  );

function paxBodies(): fc.Arbitrary<string> {
  const keys = fc.oneof(
    fc.constantFrom("path", "linkpath", "size", "mtime", "GNU.sparse.major", "uid"),
    oddText(6),
  );
  const values = fc.oneof(
    fc.constantFrom("", "a", "../x", "5", "0", "9007199254740993", "-1.5", "l/x"),
    oddText(10),
  );
  return fc
    .array(
      fc.tuple(keys, values).map(([key, value]) => paxRecord(key, value)),
      { maxLength: 4 },
    )
    .map((records) => records.join(""));
}

const definedOf = <T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as never;

const archives: fc.Arbitrary<Bytes> = fc
  .tuple(
    fc.array(fc.oneof({ arbitrary: PLAIN, weight: 2 }, { arbitrary: entries, weight: 1 }), { maxLength: 5 }),
    fc.oneof(
      { arbitrary: fc.constant(END), weight: 5 },
      { arbitrary: fc.constantFrom(new Uint8Array(BLOCK), new Uint8Array(4096), utf8("x")), weight: 1 },
    ),
  )
  .map(([list, end]) => joined([...list, end]));

/** Gives every block that has a name like a header the checksum of one. */
function repairHeaders(input: Bytes): Bytes {
  const copy = input.slice();
  for (let at = 0; at + BLOCK <= copy.length; at += BLOCK) {
    const block = copy.subarray(at, at + BLOCK);
    const isHeader =
      block[0] !== 0 && (block[257] === 0x75 || /[0-7]/.test(String.fromCharCode(block[124] ?? 0)));
    if (isHeader) block.set(Buffer.from(checksumOf(block), "latin1"), 148);
  }
  return copy;
}

/** Everything that a visitor is told, with the bodies in one piece each. */
function eventsOf(
  input: Bytes,
  size: number,
): { readonly events: readonly unknown[]; readonly error?: PspfError } {
  const events: unknown[] = [];
  const parser = tarParser({
    entry(header) {
      const body = new Bun.CryptoHasher("sha256");
      const event = { header, bytes: 0, digest: "", isClosed: false };
      events.push(event);
      must(header.name !== "", "an entry has a name");
      must(header.size >= 0 && Number.isSafeInteger(header.size), "a size is a count");
      return {
        write(piece) {
          must(!event.isClosed, "nothing follows the end of a body");
          body.update(piece);
          event.bytes += piece.length;
        },
        close() {
          must(event.bytes === header.size, "a body has the size of its header");
          event.isClosed = true;
          event.digest = body.digest("hex");
        },
      };
    },
  });
  try {
    for (let at = 0; at < input.length; at += size) parser.push(input.subarray(at, at + size));
    parser.end();
    return { events };
  } catch (error) {
    if (error instanceof PspfError) return { events, error };
    throw error;
  }
}

const tar: Target = {
  name: "tar",
  allowed: ["archive-invalid"],
  structured: archives,
  repair: repairHeaders,
  tokens: [
    "ustar\0" + "00",
    "ustar  \0",
    "././@LongLink",
    "GNU.sparse.",
    "path=",
    "\x80\0\0\0",
    "\xff\xff\xff\xff",
  ],
  run(input) {
    const whole = eventsOf(input, input.length + 1);
    for (const size of [1, 513]) {
      const pieces = eventsOf(input, size);
      must(pieces.error?.message === whole.error?.message, "pieces make no difference to the verdict");
      // A body that breaks off is told as far as it came; where it stops depends on the pieces.
      must(whole.error !== undefined || Bun.deepEquals(pieces.events, whole.events), "nor to what is told");
    }
    if (whole.error !== undefined) throw whole.error;
    return `${whole.events.length}`;
  },
};

const pax: Target = {
  name: "pax",
  allowed: ["archive-invalid"],
  structured: paxBodies().map(utf8),
  tokens: ["path", "linkpath", "size", "mtime", "=", "\n", " "],
  run(input) {
    const { path, linkpath, size, mtime } = parsePax(input);
    for (const text of [path, linkpath]) must(text?.includes("\0") !== true, "no name has a NUL");
    for (const number of [size, mtime])
      must(number === undefined || Number.isSafeInteger(number), "numbers are whole");
    return [path, linkpath, size, mtime].map((it) => it !== undefined).join();
  },
};

/** What lies below a folder, and whether it leads out of it. */
function checkTree(root: string, folder: string): number {
  let count = 0;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = lstatSync(path);
    count++;
    must(
      stat.isFile() || stat.isDirectory() || stat.isSymbolicLink(),
      "there are only files, folders and links",
    );
    must(stat.isSymbolicLink() || (stat.mode & 0o7000) === 0, "no mode gives rights away");
    if (stat.isSymbolicLink()) must(leadsInside(root, path), `no link leads outside: ${path}`);
    if (stat.isDirectory()) count += checkTree(root, path);
  }
  return count;
}

const leadsInside = (root: string, link: string): boolean =>
  `${resolve(dirname(link), readlinkSync(link))}${sep}`.startsWith(`${root}${sep}`);

const unpack: Target = {
  name: "unpack",
  allowed: ["archive-invalid", "path-escapes", "io-failed"],
  structured: archives,
  repair: repairHeaders,
  async run(input) {
    using dir = tempDir("flavor-fuzz-");
    const root = join(dir.path, "workenv");
    mkdirSync(root);
    writeFileSync(join(dir.path, "witness"), "untouched");
    try {
      using writer = openTreeWriter(root, { rules: { windows: input.length % 3 === 0 } });
      await unpackTar(pieces(input), writer, (name) => name);
      writer.finish();
      return `${Math.min(8, checkTree(root, root))}`;
    } finally {
      must(readdirSync(dir.path).length === 2, "nothing appears beside the workenv");
      must(readFileSync(join(dir.path, "witness"), "utf8") === "untouched", "nothing outside is written");
      checkTree(root, root);
    }
  },
};

async function* pieces(input: Bytes) {
  yield input;
}

/** Archives: read, and unpacked onto a disk. */
export const TAR_TARGETS: readonly Target[] = [tar, pax, unpack];
