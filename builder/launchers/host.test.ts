import { expect, test } from "bun:test";
import fc from "fast-check";
import { TARGETS } from "../../format/platform.ts";
import type { Bytes } from "../../format/types.ts";
import { elfInterpreter, hostTarget } from "./host.ts";

test("the host is a target of this system and processor", () => {
  const { os, arch } = TARGETS[hostTarget()];
  expect(os).toBe((process.platform === "win32" ? "windows" : process.platform) as typeof os);
  expect(arch).toBe(process.arch === "x64" ? "amd64" : "arm64");
});

test("the host is a musl target exactly when Bun reports no glibc", () => {
  const report = process.report?.getReport() as { header: { glibcVersionRuntime?: string } } | undefined;
  const withoutGlibc = process.platform === "linux" && report?.header.glibcVersionRuntime === undefined;
  expect(hostTarget().endsWith("-musl")).toBe(withoutGlibc);
});

/** An ELF header and two program headers, the second of which names a loader. */
function elf(loader: string): Bytes {
  const file = new Uint8Array(256);
  const view = new DataView(file.buffer);
  file.set(Uint8Array.fromHex("7f454c460201"));
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  view.setUint32(64, 6, true);
  view.setUint32(120, 3, true);
  view.setBigUint64(128, 200n, true);
  view.setBigUint64(152, BigInt(loader.length + 1), true);
  file.set(new TextEncoder().encode(loader), 200);
  return file;
}

test.each(["/lib/ld-musl-x86_64.so.1", "/lib64/ld-linux-x86-64.so.2", ""])(
  "the loader %p is found",
  (loader) => {
    expect(elfInterpreter(elf(loader))).toBe(loader);
  },
);

test("no loader in files that name none, are no ELF or are cut off", () => {
  const file = elf("/lib/ld-musl-x86_64.so.1");
  const without = file.with(120, 1);
  expect([without, file.with(0, 0), file.subarray(0, 63), file.subarray(0, 210)].map(elfInterpreter)).toEqual(
    [undefined, undefined, undefined, undefined],
  );
});

test("property: damage never throws", () => {
  const damage = fc.array(fc.tuple(fc.nat(175), fc.nat(255)), { maxLength: 12 });
  fc.assert(
    fc.property(damage, fc.nat(256), (bytes, length) => {
      const file = elf("/lib/ld-musl-x86_64.so.1");
      for (const [at, value] of bytes) if (at > 5) file[at] = value;
      expect(["string", "undefined"]).toContain(typeof elfInterpreter(file.subarray(0, length)));
    }),
  );
});
