import { readdirSync } from "node:fs";
import { join } from "node:path";
import { cacheOf, packApp, runPackage, type RunOptions } from "./launcher.ts";
import { expect } from "bun:test";

/** A program that does in the workenv what its arguments say. */
export const APP = '#!/bin/sh\ncd "$FLAVOR_WORKENV" && eval "$1"\n';

/** A program that notes every signal: a shell would see two that come together as one. */
const COUNT = `
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
const [count, ready] = process.argv.slice(2);
for (const name of ["INT", "USR1"]) process.on("SIG" + name, () => appendFileSync(count, name + "\\n"));
process.on("SIGQUIT", () => {
  appendFileSync(count, "QUIT\\n");
  process.exit(5);
});
setInterval(() => {}, 1000);
writeFileSync(ready + ".part", String(process.ppid));
renameSync(ready + ".part", ready);
`;

export interface SlotUnderTest {
  readonly lifecycle: string;
  readonly target?: string;
  readonly more?: string;
}

/** A package with the slot `extra`, a folder with the file `note`, unpacked to `extra` unless another target is said. */
export async function packWith(
  dir: string,
  name: string,
  slot: SlotUnderTest,
  more = "",
  command = "{workenv}/app/run.sh",
) {
  const folder = join(dir, name);
  const manifest = `
[package]
name = "${name}"
version = "1.0"
[execution]
command = ${JSON.stringify(command)}
[[slots]]
id = "app"
source = "app"
[[slots]]
id = "extra"
source = "extra"
target = "${slot.target ?? "extra"}"
lifecycle = "${slot.lifecycle}"
${slot.more ?? ""}
${more}`;
  const app = await packApp(folder, manifest, {
    "app/run.sh": APP,
    "app/count.ts": COUNT,
    "extra/note": "original\n",
  });
  const run = async (script: string, options: RunOptions = {}) => {
    const ran = await runPackage(app, [script], options);
    expect(ran).toMatchObject({ stderr: "", exitCode: 0 });
    return ran.stdout;
  };
  const cache = cacheOf(app);
  const workenv = () =>
    join(cache, readdirSync(cache).find((entry) => /^[0-9a-f]{16}$/.test(entry)) as string);
  return { app, run, workenv, inside: (path: string) => join(workenv(), path) };
}
