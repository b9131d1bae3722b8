import { expect, test } from "bun:test";
import fc from "fast-check";
import { lstatSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileSlot } from "../../../tests/support/packages.ts";
import { PspfError } from "../../errors.ts";
import { rawArchive, type rawEntry } from "../../tar/testing.ts";
import { createWorkshop } from "../testing.ts";
import type { Differences } from "./differences.ts";

// Whatever archives a package has: what was just unpacked is exact, and one other byte is not.

const folder = fc
  .array(fc.constantFrom("a", "b", "lib", "bin", "é"), { maxLength: 3 })
  .map((steps) => steps.map((step) => `${step}/`).join(""));
const named = (letter: string) =>
  fc.tuple(folder, fc.integer({ min: 0, max: 3 })).map(([above, number]) => `${above}${letter}${number}`);
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o444, 0o700, 0);
const entry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ name: named("f"), mode, body: fc.string({ maxLength: 40 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      name: folder.map((name) => `d/${name}`),
      mode: fc.constantFrom(0o755, 0o700, 0o555),
      type: fc.constant("5"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      name: named("l"),
      type: fc.constant("2"),
      linkName: fc.constantFrom("f0", "a", "l1"),
    }),
  },
);
type Entry = Parameters<typeof rawEntry>[0];
const slot = fc.record({
  entries: fc.array(entry, { minLength: 1, maxLength: 8 }),
  links: fc.nat(2),
  target: fc.constantFrom("", "a", "lib", "lib/b", "etc"),
  lifecycle: fc.constantFrom(
    "runtime",
    "runtime",
    "runtime",
    "runtime",
    "config",
    "cache",
    "startup",
    "temp",
    "init",
  ),
});
const directories = fc.array(
  fc.record({
    path: fc.constantFrom("a", "var/log", "bin", "lib"),
    mode: fc.constantFrom(0o700, 0o755, 0o500),
  }),
  {
    maxLength: 2,
  },
);

test("every workenv is exact when it has been made, and not when a byte of the package's is another one", async () => {
  let made = 0;
  let harmed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(slot, { minLength: 1, maxLength: 3 }), directories, async (slots, folders) => {
      using shop = createWorkshop();
      const pkg = await shop.open({
        about: { workenv: { directories: folders, env: {} } },
        slots: slots.map(({ entries, links, target, lifecycle }, i) =>
          fileSlot(`slot${i}`, archiveOf(entries, links), { target, lifecycle, operations: ["TAR"] }),
        ),
      });
      let found: Differences = new Map();
      const ensure = () =>
        shop.ensure(pkg, {
          exact: true,
          onDifferent: (differences) => {
            found = differences;
          },
        });
      const layout = await ensure().catch(refused);
      if (layout === undefined) return; // a file where a folder is, a link to nothing
      made++;
      const { ino } = statSync(layout.content);
      await ensure();
      await ensure();
      expect([...found]).toEqual([]);
      expect(statSync(layout.content).ino).toBe(ino);
      const own = slots.every(({ lifecycle }) => lifecycle === "runtime")
        ? firstFile(layout.content)
        : undefined;
      if (own === undefined) return;
      harmed++;
      const { atime, mtime } = statSync(own);
      const bytes = readFileSync(own);
      bytes[0] = (bytes[0] as number) ^ 1;
      writeFileSync(own, bytes);
      utimesSync(own, atime, mtime);
      await ensure();
      expect(found.size).toBeGreaterThan(0);
    }),
    { numRuns: 40 },
  );
  expect([made > 10, harmed > 0]).toEqual([true, true]);
}, 60_000);

/** Some of the files have a hard link behind them all. */
function archiveOf(entries: readonly Entry[], links: number) {
  const files = entries.filter(({ body }) => body !== undefined).slice(0, links);
  return rawArchive(
    ...entries,
    ...files.map(({ name }) => ({ name: `${name}h`, type: "1", linkName: name })),
  );
}

function refused(error: unknown): undefined {
  if (!(error instanceof PspfError)) throw error;
}

function firstFile(folder: string): string | undefined {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stats = lstatSync(path);
    if (stats.isFile() && stats.size > 0) return path;
    const below = stats.isDirectory() ? firstFile(path) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}
