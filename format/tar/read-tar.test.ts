import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync, linkSync } from "node:fs";
import { join } from "node:path";
import { readTar } from "./read-tar.ts";
import { collect, hasGnuTar, inPieces, outcome, rawArchive, rawEntry, run, tempDir } from "./testing.ts";
import type { TarEntry } from "./tar-entry.ts";

const THREE = rawArchive(
  { name: "a", body: "1".repeat(5000) },
  { name: "d", type: "5", mode: 0o755 },
  { name: "b", body: "22" },
);

test.each([1, 100, 512, 4096, 65536])("in pieces of %d bytes, bodies arrive whole", async (size) => {
  const seen: (readonly [string, string])[] = [];
  for await (const { name, body } of readTar(inPieces(THREE, size)))
    seen.push([name, Buffer.from(await collect(body)).toString()]);
  expect(seen).toEqual([
    ["a", "1".repeat(5000)],
    ["d", ""],
    ["b", "22"],
  ]);
});

test("a body that is not read, or read in part, is skipped", async () => {
  const names: string[] = [];
  for await (const entry of readTar(inPieces(THREE, 600))) {
    names.push(entry.name);
    if (entry.name === "a") for await (const _ of entry.body) break;
  }
  expect(names).toEqual(["a", "d", "b"]);
});

test("a body that is read too late is empty, and takes nothing from the next", async () => {
  const entries = readTar(inPieces(rawArchive({ name: "a", body: "1" }, { name: "b", body: "22" })));
  const first = (await entries.next()).value as TarEntry;
  const second = (await entries.next()).value as TarEntry;
  expect(await collect(first.body)).toHaveLength(0);
  expect(await collect(second.body)).toHaveLength(2);
});

test("an archive that breaks off is refused", async () => {
  expect(await outcome(() => Array.fromAsync(readTar(inPieces(THREE.slice(0, 1024)))))).toBe(
    "archive-invalid",
  );
});

test("whoever stops early lets go of the input", async () => {
  let closed = false;
  async function* input() {
    try {
      yield* inPieces(THREE, 512);
    } finally {
      closed = true;
    }
  }
  for await (const _ of readTar(input())) break;
  expect(closed).toBeTrue();
});

test("no more of the input is held than one piece", async () => {
  let asked = 0;
  async function* input() {
    yield rawEntry({ name: "big", size: 512 * 1000 });
    for (; asked < 1000; asked++) yield new Uint8Array(512);
    yield new Uint8Array(1024);
  }
  let taken = 0;
  for await (const entry of readTar(input()))
    for await (const _ of entry.body) expect(asked - taken++).toBeLessThanOrEqual(1);
  expect(taken).toBe(1000);
});

test("what is right in front of the damage is still told", async () => {
  const names: string[] = [];
  const damaged = THREE.with(THREE.length - 2000, 1);
  const code = await outcome(async () => {
    for await (const entry of readTar(inPieces(damaged))) names.push(entry.name);
  });
  expect(names).toEqual(["a", "d"]);
  expect(code).toBe("archive-invalid");
});

test.skipIf(!hasGnuTar()).each(["gnu", "pax", "ustar", "oldgnu", "v7"])(
  "GNU tar's format %s is read",
  async (format) => {
    using dir = tempDir();
    const long = format === "v7" ? "short" : join("x".repeat(90), "y".repeat(90));
    mkdirSync(join(dir.path, "in", long), { recursive: true });
    writeFileSync(join(dir.path, "in", long, "file"), "content");
    writeFileSync(join(dir.path, "in", "é"), "");
    writeFileSync(join(dir.path, "in", "hard-1"), "12");
    linkSync(join(dir.path, "in", "hard-1"), join(dir.path, "in", "hard-2"));
    symlinkSync("é", join(dir.path, "in", "soft"));
    run(["tar", `--format=${format}`, "--sort=name", "-cf", "out.tar", "-C", "in", "."], dir.path);

    const seen: Record<string, string> = {};
    for await (const entry of readTar(inPieces(await Bun.file(join(dir.path, "out.tar")).bytes(), 1000)))
      seen[entry.name] = `${entry.kind} ${entry.linkName}${(await collect(entry.body)).length}`;
    const listed = run(["tar", "-tf", "out.tar", "--quoting-style=literal"], dir.path).trim().split("\n");
    expect(Object.keys(seen)).toEqual(listed);
    expect(seen[`./${long}/file`]).toBe("file 7");
    expect(seen["./hard-2"]).toBe("hardlink ./hard-10");
    expect(seen["./soft"]).toBe("symlink é0");
    expect(seen["./é"]).toBe("file 0");
  },
);
