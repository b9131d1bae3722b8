import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileSlot } from "../../tests/support/packages.ts";
import { removeTree } from "../io/remove-tree.ts";
import { findReady } from "./entry.ts";
import { createWorkshop } from "./testing.ts";

const PLACES = [
  "",
  "instance",
  "instance/extract",
  "instance/extract/complete",
  "instance/files.json",
  "instance/index.json",
  "instance/originals.json",
  "instance/start.json",
  "package",
  "package/psp.json",
  "bun",
  "bun/bun",
  "bun/preload.js",
];

for (const kind of ["file", "folder"] as const)
  test.each(PLACES)(
    `a ${kind} in the place of .ID.pspf/%s keeps no start from making the workenv`,
    async (place) => {
      using shop = createWorkshop();
      const pkg = await shop.open({
        about: { execution: { primarySlot: 0, command: "{bun} x", env: {} } },
        slots: [
          fileSlot("code", "code"),
          fileSlot("fresh", "fresh", { lifecycle: "startup" }),
          fileSlot("conf", "given", { lifecycle: "config" }),
        ],
      });
      const layout = await shop.ensure(pkg);
      const path = join(layout.bookkeeping, place);
      removeTree(path);
      if (kind === "file") writeFileSync(path, "in the way");
      else mkdirSync(join(path, "in the way"), { recursive: true });
      await shop.ensure(pkg);
      rmSync(layout.marker, { force: true, recursive: true });
      await shop.ensure(pkg);
      expect(findReady(layout, pkg.index.digest)).toBeDefined();
      expect(readFileSync(join(layout.content, "share/code"), "utf8")).toBe("code");
    },
  );
