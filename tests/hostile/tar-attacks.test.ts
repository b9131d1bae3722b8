import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { memorySource, openFileSource } from "../../format/io/byte-source.ts";
import { openImaginedTree } from "../../format/io/imagined-tree.ts";
import type { PathRules } from "../../format/io/paths.ts";
import { removeTree } from "../../format/io/remove-tree.ts";
import { openTreeWriter, type TreeWriter } from "../../format/io/tree-writer.ts";
import { inPieces, outcome, pathsBelow } from "../../format/tar/testing.ts";
import { unpackTar } from "../../format/tar/unpack.ts";
import type { Bytes } from "../../format/types.ts";
import { verifyPackage } from "../../format/verify.ts";
import { hostLauncher, runPackage } from "../support/launcher.ts";
import { STUB_LAUNCHER } from "../support/packages.ts";
import { tempDir } from "../support/temp-dir.ts";
import { foldsNames } from "./folds.ts";
import { content } from "./surgery.ts";
import { ATTACKS } from "./tar/index.ts";
import type { Attack, Ending } from "./tar/row.ts";
import { faultsIn, plantWitnesses, stateOutside, treeOf } from "./tar/witness.ts";
import { buildVictim, SLOT, type Victim, victimIn, writeVictim } from "./victim.ts";

/*
 * Archives that mean harm. Whatever becomes of one, nothing outside of the workenv is written, changed or followed, and
 * nothing inside leads out.
 */

const groups = Object.entries(ATTACKS).map(([group, attacks]) => ({ group, attacks }));

test("the table has attacks with names of their own", () => {
  const names = groups.flatMap(({ attacks }) => attacks.map(({ name }) => name));
  process.stdout.write(`attacks by tar archives: ${names.length}\n`);
  expect(names.length).toBeGreaterThanOrEqual(100);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

const SYSTEMS: readonly {
  readonly system: string;
  readonly rules: PathRules;
  readonly ending: (attack: Attack) => Ending;
}[] = [
  { system: "POSIX", rules: { windows: false, folds: false }, ending: ({ posix }) => posix },
  { system: "Windows", rules: { windows: true }, ending: ({ windows, posix }) => windows ?? posix },
  { system: "macOS", rules: { windows: false, folds: true }, ending: ({ mac, posix }) => mac ?? posix },
];

/** A slot of the victim that is this archive, for the workenv itself. */
const asSlot = (archive: Bytes, system = "linux") =>
  content(SLOT.note, archive, (entry, { build }) => {
    build.platform.os = system;
    entry.operations = "tar";
    entry.target = "{workenv}";
    entry.original_size = archive.length;
  });

/** An archive in pieces that fit no block, as it comes out of a decoder. */
async function unpack(archive: Bytes, writer: TreeWriter): Promise<Ending> {
  const code = await outcome(() => unpackTar(inPieces(archive, 700), writer, (name) => name));
  if (code !== "ok") return code;
  writer.finish();
  return "harmless";
}

const isWindows = process.platform === "win32";
/** Names of other systems cannot be written everywhere, nor two that the disk takes for one. */
const ON_DISK = ((): typeof SYSTEMS => {
  using dir = tempDir();
  const skipped = isWindows ? ["POSIX", "macOS"] : foldsNames(dir.path) ? ["POSIX"] : [];
  for (const system of skipped)
    process.stderr.write(`skipped: attacks by the rules of ${system}, this disk has other names\n`);
  return SYSTEMS.filter(({ system }) => !skipped.includes(system));
})();

describe.each(ON_DISK)("by the rules of $system", ({ system, rules, ending }) => {
  describe.each(groups)("$group", ({ attacks }) => {
    test.each([...attacks])("$name", async (attack) => {
      using dir = tempDir();
      const root = join(dir.path, "root");
      plantWitnesses(dir.path);
      const before = stateOutside(dir.path);
      {
        using writer = openTreeWriter(root, { rules });
        chmodSync(root, 0o700);
        expect(await unpack(attack.archive(dir.path), writer)).toBe(ending(attack));
      }
      if (system === "POSIX" && attack.becomes !== undefined) expect(treeOf(root)).toEqual(attack.becomes);
      expect(faultsIn(root)).toEqual([]);
      expect(stateOutside(dir.path)).toEqual(before);
      if (!isWindows) expect(lstatSync(root).mode & 0o7777).toBe(0o700);
      removeTree(root);
    });
  });
});

describe.each(SYSTEMS)("imagined by the rules of $system", ({ rules, ending }) => {
  test.each(groups)("$group end as they do on a disk", async ({ attacks }) => {
    const endings: string[] = [];
    for (const attack of attacks) {
      using tree = openImaginedTree({ rules });
      endings.push(`${attack.name}: ${await unpack(attack.archive("/outside"), tree)}`);
    }
    expect(endings).toEqual(attacks.map((attack) => `${attack.name}: ${ending(attack)}`));
  });
});

describe.skipIf(isWindows)("in a package that its author has signed", () => {
  /** What would leave the workenv, or make something that is no file: worth a start of its own. */
  const isStarted = ({ posix, name }: Attack) =>
    posix === "path-escapes" || /^a (block|character) device|^a fifo|terminal/.test(name);

  describe.each(groups)("$group", ({ attacks }) => {
    test.each(SYSTEMS)("flavor verify says what a start on $system would say", async ({ system, ending }) => {
      using dir = tempDir();
      const path = join(dir.path, "app.psp");
      await buildVictim(path, STUB_LAUNCHER);
      using source = openFileSource(path);
      const victim = await victimIn(source);
      const endings: string[] = [];
      for (const attack of attacks) {
        const { tail } = await asSlot(attack.archive("/outside"), system.toLowerCase())(victim);
        const { checks } = await verifyPackage(memorySource(new Uint8Array([...STUB_LAUNCHER, ...tail])));
        const failed = checks.filter(({ ok }) => !ok);
        endings.push(`${attack.name}: ${failed.map(({ code }) => code).join(", ") || "harmless"}`);
      }
      expect(endings).toEqual(attacks.map((attack) => `${attack.name}: ${ending(attack)}`));
    });
  });

  describe("started", () => {
    let dir: ReturnType<typeof tempDir>;
    let app: string;
    let victim: Victim;
    beforeAll(async () => {
      dir = tempDir();
      app = join(dir.path, "app.psp");
      using launcher = openFileSource(await hostLauncher());
      await buildVictim(app, launcher);
      using source = openFileSource(app);
      victim = await victimIn(source);
    }, 60_000);
    afterAll(() => dir[Symbol.dispose]());

    describe.each(groups)("$group", ({ attacks }) => {
      test.each(attacks.filter(isStarted))("$name", async (attack) => {
        using home = tempDir();
        plantWitnesses(home.path);
        const before = stateOutside(home.path);
        writeVictim(app, await asSlot(attack.archive(home.path))(victim));
        const { stdout, stderr, exitCode } = await runPackage(app, [], { home: join(home.path, "root") });
        expect(stderr).toContain(`[${attack.posix}]`);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
        expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
        expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 103 });
        expect(stateOutside(home.path)).toEqual(before);
        const cache = join(home.path, "root", "cache");
        expect(pathsBelow(cache).filter((path) => !path.startsWith(".store"))).toEqual([]);
      });
    });
  });
});
