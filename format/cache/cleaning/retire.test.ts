import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cannotMount, mounted, tmpfs } from "../../../tests/support/mounts.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { layoutOf, type WorkenvLayout } from "../layout.ts";
import { putAway, retire, trashOf } from "./retire.ts";

let dir: ReturnType<typeof tempDir>;
beforeAll(() => {
  dir = tempDir();
});
afterAll(() => dir[Symbol.dispose]());

function put({ content, marker }: WorkenvLayout): void {
  for (const path of [join(content, "deep", "file"), marker]) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "1");
  }
}

test("the marker goes, the content moves as it is, and what is not there is not minded", () => {
  const layout = layoutOf(join(dir.path, "cache"), "0123456789abcdef");
  expect(retire(layout)).toBeUndefined();
  put(layout);
  const grave = retire(layout) as string;
  expect([existsSync(layout.marker), existsSync(layout.content)]).toEqual([false, false]);
  expect(trashOf(layout.cache)).toEqual([grave]);
  expect(readFileSync(join(grave, "deep", "file"), "utf8")).toBe("1");
  expect(retire(layout)).toBeUndefined();
});

test("a folder where the marker belongs goes, and a file where its folder belongs stays", () => {
  const layout = layoutOf(join(dir.path, "odd"), "0123456789abcdef");
  mkdirSync(join(layout.marker, "inside"), { recursive: true });
  retire(layout);
  expect(existsSync(layout.marker)).toBe(false);
  const other = layoutOf(join(dir.path, "odd"), "fedcba9876543210");
  mkdirSync(dirname(dirname(other.marker)), { recursive: true });
  writeFileSync(dirname(other.marker), "a file");
  retire(other);
  expect(readFileSync(dirname(other.marker), "utf8")).toBe("a file");
});

const probe = tempDir();
const reason = cannotMount(join(probe.path, "mount"));
probe[Symbol.dispose]();

test.skipIf(reason !== undefined)(
  `what came with the image of a container cannot be moved, and is deleted in its place${reason === undefined ? "" : ` (skipped: ${reason})`}`,
  () => {
    using disk = mounted(join(dir.path, "disk"), ...tmpfs("mode=700"));
    const [lower, upper, work] = ["lower", "upper", "work"].map((name) => join(disk.path, name)) as [
      string,
      string,
      string,
    ];
    for (const folder of [upper, work]) mkdirSync(folder);
    put(layoutOf(lower, "0123456789abcdef"));
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    using image = mounted(join(disk.path, "merged"), "-t", "overlay", "-o", options, "overlay");
    const layout = layoutOf(image.path, "0123456789abcdef");
    expect(readdirSync(layout.content)).toEqual(["deep"]);
    expect(retire(layout)).toBeUndefined();
    expect([existsSync(layout.marker), existsSync(layout.content)]).toEqual([false, false]);
    expect(putAway(layout.bookkeeping, layout.cache)).toBeUndefined();
    expect([existsSync(layout.bookkeeping), trashOf(layout.cache)]).toEqual([false, []]);
  },
);
