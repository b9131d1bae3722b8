import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import type { Metadata } from "../../wire/metadata-types.ts";
import { mergeReports } from "./merge-reports.ts";
import { listOf } from "../mending/file-list.ts";

const METADATA = { workenv: { directories: [] } } as unknown as Metadata;

test("what threads have made together may not be more than one may make", () => {
  using dir = tempDir();
  const root = join(dir.path, "root");
  mkdirSync(root);
  const reports = ["a", "b"].map((name) => {
    const files = listOf([0, 1, 2].map((i) => [`${name}${i}`, 1, 1, 0o100644, 0]));
    return { files, made: listOf([]), met: listOf([]), implied: [], found: [], links: [] };
  });
  expect(mergeReports(METADATA, reports, root, 6).rows).toHaveLength(6);
  expect(() => mergeReports(METADATA, reports, root, 5)).toThrow("more than 5 files and folders");
});
