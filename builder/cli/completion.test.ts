import { expect, test } from "bun:test";
import { runCli } from "./testing.ts";

const bash = Bun.which("bash");
if (bash === null) process.stderr.write("skipped: completions in bash, there is none on this machine\n");

/** What bash would offer for the last of the words. */
function offered(script: string, words: readonly string[]): readonly string[] {
  const call = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _flavor; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = Bun.spawnSync([bash ?? "", "-c", `${script}\n${call}`, "bash", ...words]);
  expect(stderr.toString()).toBe("");
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

test.skipIf(bash === null).each([
  [["flavor", "ver"], ["verify"]],
  [
    ["flavor", "extract"],
    ["extract", "extract-all"],
  ],
  [
    ["flavor", "workenv", ""],
    ["list", "info", "clean", "remove", "inspect", "verify", "repair", "--help"],
  ],
  [["flavor", "workenv", "clean", "--d"], ["--dry-run"]],
  [
    ["flavor", "trust", "statement", ""],
    ["rotate", "revoke", "--help"],
  ],
  [["flavor", "trust", "statement", "revoke", "--rea"], ["--reason"]],
  [["flavor", "trust", "revoke", "statement", "--js"], ["--json"]],
  [["flavor", "pack", "--quiet", "--pl"], ["--platform"]],
  [["flavor", "pack", "workenv", "--pl"], ["--platform"]],
  [
    ["flavor", "completion", ""],
    ["bash", "zsh", "fish", "--help"],
  ],
  [["flavor", "nothing", ""], []],
])("bash completes %p with %p", async (words, expected) => {
  const { out } = await runCli(["completion", "bash"]);
  expect(offered(out, words)).toEqual(expected);
});

test("the other shells get the same words", async () => {
  const [zsh, fish] = [await runCli(["completion", "zsh"]), await runCli(["completion", "fish"])];
  expect(zsh.out).toStartWith("#compdef flavor\n");
  expect(zsh.out).toContain(
    '"workenv clean") choices="--older-than --max-size --dry-run --yes --json --help" ;;',
  );
  expect(fish.out).toContain('complete -c flavor -n "__fish_use_subcommand" -f -a verify\n');
  expect(fish.out).toContain(
    'complete -c flavor -n "__fish_seen_subcommand_from trust; and __fish_seen_subcommand_from statement" -f -a rotate\n',
  );
  expect(fish.out).toContain(
    'complete -c flavor -n "__fish_seen_subcommand_from workenv; and __fish_seen_subcommand_from clean" -l dry-run\n',
  );
});
