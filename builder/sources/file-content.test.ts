import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { fileContent } from "./file-content.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
  writeFileSync(at("file"), new Uint8Array(3_000_000));
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

/** Bytes that were read, when something happened behind the first piece. */
async function readDuring(event: () => unknown): Promise<number> {
  let size = 0;
  for await (const piece of fileContent(at("file"))) {
    if (size === 0) await event();
    size += piece.length;
  }
  return size;
}

test("is all that is there, also when another file takes its place", async () => {
  expect(await readDuring(() => {})).toBe(3_000_000);
  const replaced = () => {
    writeFileSync(at("other"), "x");
    renameSync(at("other"), at("file"));
  };
  expect(await readDuring(replaced)).toBe(3_000_000);
});

test.each<[string, () => unknown]>([
  ["grows", () => appendFileSync(at("file"), "more")],
  ["has other bytes", () => writeFileSync(at("file"), new Uint8Array(3_000_000).fill(1))],
])("of a file that %s meanwhile is refused", async (_, event) => {
  const error = await failureOf(() =>
    readDuring(async () => {
      await Bun.sleep(20); // clocks of files tick slowly
      event();
    }),
  );
  expect(error).toMatchObject({ code: "build-failed" });
  expect(error.message).toEndWith("file: it was written to while it was packed");
});

test("of a file that shrinks meanwhile ends too early", async () => {
  expect(await failureOf(() => readDuring(() => truncateSync(at("file"), 5)))).toMatchObject({
    code: "io-failed",
  });
});
