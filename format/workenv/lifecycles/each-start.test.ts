import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileSlot, treeSlot } from "../../../tests/support/packages.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { type Lease, share } from "../../cache/locks/lock.ts";
import type { FailPoint } from "../../io/fail-point.ts";
import type { Package } from "../../reader.ts";
import { asLast, finishUse } from "./at-end.ts";
import { renewForStart } from "./each-start.ts";
import { planSlots } from "./slot-plan.ts";
import { readStartFiles } from "./start-files.ts";
import { createWorkshop } from "../testing.ts";

const HOST = { os: "linux", arch: "amd64" };

let shop: ReturnType<typeof createWorkshop>;
let pkg: Package;
let layout: WorkenvLayout;
beforeEach(async () => {
  shop = createWorkshop();
  const root = join(shop.path, "tree");
  mkdirSync(join(root, "deep"), { recursive: true });
  for (const name of ["a", "deep/b"]) writeFileSync(join(root, name), `original ${name}`);
  pkg = await shop.open({
    slots: [
      fileSlot("code", "code"),
      treeSlot("fresh", root, { lifecycle: "startup" }),
      treeSlot("passing", root, { lifecycle: "temporary", target: "run/passing" }),
      fileSlot("flat", "flat", { lifecycle: "temporary", target: "share/flat" }),
      fileSlot("finish", "#!/bin/sh\n", { lifecycle: "shutdown", target: "bin/finish", permissions: 0o755 }),
    ],
  });
  layout = await shop.ensure(pkg);
});
afterEach(() => {
  globalThis.failPoint = undefined;
  shop[Symbol.dispose]();
});

const plan = () => planSlots(pkg.metadata, { host: HOST, dev: false });
const files = () =>
  readdirSync(layout.content, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(layout.content.length + 1))
    .sort();
const READY = ["fresh/a", "fresh/deep/b", "run/passing/a", "run/passing/deep/b", "share/code", "share/flat"];
const read = (path: string) => readFileSync(join(layout.content, path), "utf8");

function spoil(): void {
  for (const path of ["fresh/a", "run/passing/a", "share/flat"])
    writeFileSync(join(layout.content, path), "changed");
  for (const path of ["fresh/added", "run/passing/deep/added"])
    writeFileSync(join(layout.content, path), "added");
}

async function begin(): Promise<Lease> {
  const lease = await renewForStart(pkg, { layout, plan: plan(), onWait() {} });
  if (lease === undefined || lease === "gone") throw new Error("there is no lease");
  return lease;
}

const ran: string[] = [];
const end = (lease: Lease) =>
  asLast(layout, lease, () =>
    finishUse(pkg, layout, plan(), async (program) => {
      ran.push(program);
      expect(existsSync(program)).toBe(true);
    }),
  );

function stopAt(name: FailPoint): void {
  globalThis.failPoint = (point) => {
    if (point === name) throw new Error(`stopped at ${name}`);
  };
}

test("the first start uses what was unpacked with the workenv", async () => {
  expect(readStartFiles(layout)?.state).toBe("unused");
  spoil();
  using _lease = await begin();
  expect(read("fresh/a")).toBe("changed");
  expect(readStartFiles(layout)?.state).toBe("complete");
});

test("a start that is alone makes all of it anew, one that is not makes nothing", async () => {
  (await begin())[Symbol.dispose]();
  spoil();
  using _first = await begin();
  expect(files()).toEqual(READY);
  expect([read("fresh/a"), read("run/passing/a"), read("share/flat")]).toEqual([
    "original a",
    "original a",
    "flat",
  ]);
  spoil();
  using _second = await begin();
  expect(read("fresh/a")).toBe("changed");
  expect(files()).toContain("fresh/added");
});

test("the last one takes away what goes, runs the program for that, and the next start is complete", async () => {
  ran.length = 0;
  const lease = await begin();
  spoil();
  expect(await end(lease)).toBe(true);
  expect(files()).toEqual(["fresh/a", "fresh/added", "fresh/deep/b", "share/code"]);
  expect(readdirSync(layout.content).sort()).toEqual(["fresh", "share"]);
  expect(ran).toEqual([join(layout.content, "bin/finish")]);
  using _next = await begin();
  expect(files()).toEqual(READY);
});

test("a start that has nothing to put in or take away writes nothing, and so needs no space", async () => {
  pkg = await shop.open({
    slots: [fileSlot("code", "code"), fileSlot("finish", "#!/bin/sh\n", { lifecycle: "shutdown" })],
  });
  layout = await shop.ensure(pkg);
  expect(await end(await begin())).toBe(true);
  expect(readStartFiles(layout)).toMatchObject({ state: "changing", paths: {} });
  stopAt("start-files-changing");
  (await begin())[Symbol.dispose]();
  expect(readStartFiles(layout)).toMatchObject({ state: "changing", paths: {} });
});

test("of several that end at once exactly one is the last", async () => {
  const leases = await Promise.all([begin(), begin(), begin()]);
  const answers = await Promise.all(leases.map(end));
  expect(answers.filter(Boolean)).toHaveLength(1);
});

test("nobody is the last while another one has the workenv", async () => {
  const first = await begin();
  const second = await begin();
  expect(await end(first)).toBe(false);
  expect(files()).toEqual(READY);
  expect(await end(second)).toBe(true);
});

test("a workenv that does not count any more is gone, for starts and ends", async () => {
  const lease = await begin();
  writeFileSync(layout.marker, "");
  expect(await renewForStart(pkg, { layout, plan: plan(), onWait() {} })).toBe("gone");
  expect(await end(lease)).toBe(false);
});

describe("whoever is stopped", () => {
  test.each<FailPoint>(["start-locked", "start-files-changing", "start-files-cleared", "start-files-placed"])(
    "at a start, at %s, leaves nothing that is used: also a start that is not alone makes it whole",
    async (name) => {
      (await begin())[Symbol.dispose]();
      spoil();
      stopAt(name);
      expect(await begin().then(String, String)).toContain(`stopped at ${name}`);
      globalThis.failPoint = undefined;
      // Somebody who waits for the lock may have a lease already.
      using _other = name === "start-locked" ? undefined : await share(layout.lock);
      using _lease = await begin();
      expect(files()).toEqual(READY);
      expect(read("run/passing/deep/b")).toBe("original deep/b");
    },
  );

  test.each<FailPoint>(["end-noted", "end-files-placed", "end-files-cleared"])(
    "at an end, at %s, leaves what the next start puts right",
    async (name) => {
      const lease = await begin();
      spoil();
      stopAt(name);
      expect(await end(lease).then(String, String)).toContain(`stopped at ${name}`);
      globalThis.failPoint = undefined;
      const next = await begin();
      expect(files()).toEqual(READY);
      expect(await end(next)).toBe(true);
      expect(files()).toEqual(["fresh/a", "fresh/deep/b", "share/code"]);
    },
  );
});

test("whatever the application has put in the place of files and folders gives way", async () => {
  const root = join(shop.path, "tree");
  const shared = await shop.open({
    slots: [
      fileSlot("code", "code", { target: "run/code" }),
      treeSlot("fresh", root, { lifecycle: "startup", target: "run" }),
    ],
  });
  pkg = shared;
  layout = await shop.ensure(pkg);
  (await begin())[Symbol.dispose]();
  const at = (path: string) => join(layout.content, "run", path);
  rmSync(at("a"));
  mkdirSync(at("a/b"), { recursive: true });
  writeFileSync(at("a/b/c"), "the application's");
  rmSync(at("deep"), { recursive: true });
  writeFileSync(at("deep"), "the application's");
  (await begin())[Symbol.dispose]();
  expect([read("run/a"), read("run/deep/b"), read("run/code")]).toEqual([
    "original a",
    "original deep/b",
    "code",
  ]);
});
