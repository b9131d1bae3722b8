import { expect, test } from "bun:test";
import { failureOf } from "../../tests/support/failure.ts";
import { type ImaginedTree, openImaginedTree } from "./imagined-tree.ts";

const file = (tree: ImaginedTree, path: string) => tree.openFile(path, 0o644, 0).close();

test("a folder around an entry is there, whichever was made sure of before", async () => {
  const tree = openImaginedTree();
  for (const path of ["ab/x", "cd/x", "cd/y", "ab/z"]) file(tree, path);
  expect(tree.entries).toBe(4);
  expect(await failureOf(() => file(tree, "cd"))).toMatchObject({ code: "archive-invalid" });
  expect(await failureOf(() => file(tree, "ab/x/y"))).toMatchObject({ code: "archive-invalid" });
});

test("a link is in the way, also of a folder whose name is as long as the one before", async () => {
  const tree = openImaginedTree();
  file(tree, "ab/x");
  tree.symlink("cd", "ab");
  file(tree, "ab/y");
  expect(await failureOf(() => file(tree, "cd/y"))).toMatchObject({ code: "path-escapes" });
});
