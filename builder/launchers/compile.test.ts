import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { checkPlatform } from "./compile.ts";

const elfFor = (machine: number) => {
  const file = new Uint8Array(64);
  file.set(Uint8Array.fromHex("7f454c460201"));
  file[18] = machine;
  return file;
};

test("what comes out for another platform is refused", async () => {
  using dir = tempDir();
  const path = join(dir.path, "launcher");
  writeFileSync(path, elfFor(0xb7));
  await checkPlatform(path, "linux-arm64");
  for (const target of ["linux-x64", "darwin-arm64", "windows-x64"] as const)
    await expect(checkPlatform(path, target)).rejects.toMatchObject({
      code: "launcher-unavailable",
      message: `Cannot make a launcher for ${target}: the result is for another platform`,
    });
});

test("what is no executable, or did not come out at all, is refused", async () => {
  using dir = tempDir();
  const path = join(dir.path, "launcher");
  await expect(checkPlatform(path, "linux-x64")).rejects.toMatchObject({ code: "io-failed" });
  writeFileSync(path, "<html>");
  await expect(checkPlatform(path, "linux-x64")).rejects.toMatchObject({ code: "launcher-unavailable" });
});
