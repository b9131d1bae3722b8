import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Bytes } from "../../format/types.ts";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { testLauncher } from "../support/compiled.ts";
import { packApp } from "../support/launcher.ts";

/**
 * The application of the torture tests compares its whole workenv with a list that is baked into it: every name, type,
 * mode, link and byte, and that there is nothing else. It does so twice, before and after what its arguments say:
 * nothing, `hold SECONDS`, or `until FILE`, which makes FILE.started and waits until FILE is gone. A file `each`, which
 * each start must have as new, is changed at the end, unless SHARED says that others may run from the workenv.
 */
const SCRIPT = `#!/bin/sh
cd "$FLAVOR_WORKENV" || exit 40
check() {
  find . -mindepth 1 ! -path ./dev-only -printf '%y %m %P %l\\n' | LC_ALL=C sort | cmp - app/list >&2 || { echo "$1: other names or modes" >&2; exit 41; }
  sha256sum --quiet -c app/sums >&2 || { echo "$1: other bytes" >&2; exit 42; }
  echo "VERSION"
}
check before
case "$1" in
  hold) sleep "$2" ;;
  until) touch "$2.started"; while [ -e "$2" ]; do sleep 0.01; done ;;
esac
check after
[ ! -e each ] || [ -n "$SHARED" ] || echo "of an earlier run" >> each
`;

export interface WitnessOptions {
  readonly name?: string;
  readonly version: string;
  /** Bytes of a second slot that is hard to compress. */
  readonly weight?: number;
  /** Slots that come and go with the application. */
  readonly comings?: true;
}

/** What the application prints when its tree is right, before and after. */
export const said = (version: string): string => `${version}\n${version}\n`;

/**
 * A package of that application, with the launcher that has fail points. Two slots stay, one goes after the setup,
 * which writes a file and adds a line to $SETUPS. Returns its path.
 */
export async function packWitness(
  dir: string,
  { name = "witness", version, weight = 100_000, comings }: WitnessOptions,
): Promise<string> {
  const home = join(dir, `${name}-${version}`);
  const files = new Map<string, { readonly mode: number; readonly bytes: Bytes }>();
  const file = (path: string, mode: number, text: string | Bytes) =>
    files.set(path, { mode, bytes: typeof text === "string" ? new TextEncoder().encode(text) : text });
  file("app/witness.sh", 0o755, SCRIPT.replace("VERSION", version));
  file("app/empty", 0o600, "");
  file("app/read-only", 0o444, `of ${version}\n`);
  for (let i = 0; i < 24; i++)
    file(`app/deep/${i % 4}/file ${i}`, 0o640, `${version} `.repeat(1 + ((i * 97) % 900)));
  const links = new Map([["app/link", "deep/1/file 1"]]);
  const folders = ["app/deep", "app/deep/0", "app/deep/1", "app/deep/2", "app/deep/3", "app/nothing"];
  const kept = new Map(files);
  kept.set("heavy", { mode: 0o644, bytes: noise(version, weight) });
  kept.set("set-up", { mode: 0o644, bytes: new TextEncoder().encode(`set up ${version}\n`) });
  for (const name of comings === undefined ? [] : ["each", "passing"])
    kept.set(name, { mode: 0o644, bytes: new TextEncoder().encode(`${name} of ${version}\n`) });
  const lines = [
    ...[...kept].map(([path, { mode }]) => `f ${mode.toString(8)} ${path} `),
    ...[...links].map(([path, target]) => `l 777 ${path} ${target}`),
    ...["app", ...folders].map((path) => `d 755 ${path} `),
    ...["app/list", "app/sums"].map((path) => `f 644 ${path} `),
  ];
  file(
    "app/list",
    0o644,
    lines
      .map((line) => `${line}\n`)
      .sort(byBytes)
      .join(""),
  );
  file("app/sums", 0o644, [...kept].map(([path, { bytes }]) => `${sha256Hex(bytes)}  ${path}\n`).join(""));
  for (const path of folders) mkdirSync(join(home, path), { recursive: true });
  for (const [path, { mode, bytes }] of files) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), bytes);
    chmodSync(join(home, path), mode);
  }
  for (const path of ["app", ...folders]) chmodSync(join(home, path), 0o755);
  for (const [path, target] of links) symlinkSync(target, join(home, path));
  writeFileSync(join(home, "heavy"), noise(version, weight));
  chmodSync(join(home, "heavy"), 0o644);
  writeFileSync(join(home, "seedling"), "for the setup only\n");
  writeFileSync(join(home, "each"), `each of ${version}\n`);
  writeFileSync(join(home, "passing"), `passing of ${version}\n`);
  writeFileSync(
    join(home, "closing"),
    '#!/bin/sh\ncd "$FLAVOR_WORKENV" && test -e each && test -e passing\n',
  );
  chmodSync(join(home, "closing"), 0o755);
  writeFileSync(join(home, "dev-only"), "for development\n");
  const manifest = manifestOf(name, version) + (comings === undefined ? "" : COMINGS);
  return packApp(home, manifest, {}, { launcher: (await testLauncher()).path });
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** The same bytes for the same version; they compress to about half. */
function noise(version: string, size: number): Bytes {
  const block = new TextEncoder().encode(
    Array.from({ length: 1024 }, (_, i) => sha256Hex(`${version}:${i}`)).join("\n"),
  );
  const bytes = new Uint8Array(size);
  for (let at = 0, round = 0; at < size; at += block.length, round++) {
    block[round % block.length] = (round * 31) & 0xff;
    bytes.set(block.subarray(0, Math.min(block.length, size - at)), at);
  }
  return bytes;
}

const COMINGS = (
  [
    ["each", "startup"],
    ["passing", "temporary"],
    ["closing", "shutdown"],
    ["dev-only", "dev"],
  ] as const
)
  .map(([id, lifecycle]) => `[[slots]]\nid = "${id}"\nsource = "${id}"\nlifecycle = "${lifecycle}"\n`)
  .join("");

const manifestOf = (name: string, version: string): string => `
[package]
name = "${name}"
version = "${version}"
[execution]
command = "{workenv}/app/witness.sh"
[[slots]]
id = "app"
source = "app"
target = "app"
[[slots]]
id = "heavy"
source = "heavy"
[[slots]]
id = "seedling"
source = "seedling"
lifecycle = "init"
[[setup_commands]]
type = "execute"
command = "sh -c 'test -e seedling && echo ran >> \\"\${SETUPS:-/dev/null}\\"'"
[[setup_commands]]
type = "write_file"
path = "{workenv}/set-up"
content = "set up ${version}\\n"
`;
