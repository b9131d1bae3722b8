import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../../format/types.ts";
import { executableKind, runsOn } from "./executable-kind.ts";

const head = (...parts: readonly (readonly [number, string])[]): Bytes => {
  const file = new Uint8Array(512);
  for (const [at, hex] of parts) file.set(Uint8Array.fromHex(hex), at);
  return file;
};
const ELF = "7f454c460201";

test.each([
  ["linux", "amd64", head([0, ELF], [18, "3e00"])],
  ["linux", "arm64", head([0, ELF], [18, "b700"])],
  ["darwin", "amd64", head([0, "cffaedfe07000001"])],
  ["darwin", "arm64", head([0, "cffaedfe0c000001"])],
  ["windows", "amd64", head([0, "4d5a"], [60, "80000000"], [128, "504500006486"])],
  ["windows", "arm64", head([0, "4d5a"], [60, "80000000"], [128, "5045000064aa"])],
] as const)("%s on %s", (os, arch, bytes) => {
  expect(executableKind(bytes)).toEqual({ os, arch });
});

test.each([
  ["nothing", new Uint8Array(0)],
  ["a script", new TextEncoder().encode("#!/bin/sh\n".padEnd(100, "x"))],
  ["a 32-bit ELF", head([0, "7f454c460101"], [18, "3e00"])],
  ["a big-endian ELF", head([0, "7f454c460202"], [18, "003e"])],
  ["an ELF for RISC-V", head([0, ELF], [18, "f300"])],
  ["a universal Mach-O", head([0, "cafebabe00000002"])],
  ["a DOS program", head([0, "4d5a"], [60, "80000000"])],
  ["a PE whose header lies elsewhere", head([0, "4d5a"], [60, "ffffffff"])],
] as const)("%s is none", (_, bytes) => {
  expect(executableKind(bytes)).toBeUndefined();
});

test("property: any bytes behind any magic are judged, not thrown at", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("", ELF, "cffaedfe", "4d5a"),
      fc.uint8Array({ maxLength: 300 }),
      (magic, rest) => {
        const bytes = Buffer.concat([Buffer.from(magic, "hex"), rest]);
        expect(["object", "undefined"]).toContain(typeof executableKind(new Uint8Array(bytes)));
      },
    ),
  );
});

test("an executable runs on the variants of its platform only", () => {
  const kind = { os: "linux", arch: "amd64" } as const;
  expect(runsOn(kind, "linux-x64-musl")).toBe(true);
  expect(runsOn(kind, "linux-arm64")).toBe(false);
  expect(runsOn(kind, "darwin-x64")).toBe(false);
  expect(runsOn(undefined, "linux-x64")).toBe(false);
});
