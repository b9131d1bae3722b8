import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { doing, errnoOf, ioError } from "../../format/io/fs.ts";

export interface InitializedProject {
  /** The name that the package got: the folder's. */
  readonly name: string;
  /** The files that were written, as a user of the folder's given name would type them. */
  readonly written: readonly string[];
  /** Whether the manifest's command starts a file that is there. */
  readonly isRunnable: boolean;
}

/** What a program in `src` may be called, likeliest first. */
const ENTRIES = ["main", "index", "app", "cli"].flatMap((name) =>
  ["ts", "js", "mjs"].map((end) => `${name}.${end}`),
);

/**
 * Writes a manifest into a folder, and `src/main.ts` where there is no `src`. What was there stays:
 * `output-exists` for a folder that has a manifest.
 */
export function initProject(folder: string): InitializedProject {
  const name = nameFor(folder);
  const manifest = join(folder, "flavor.toml");
  const source = join(folder, "src");
  const hasSource = existsSync(source);
  const entry = hasSource ? findEntry(source) : ENTRIES[0];
  if (existsSync(manifest)) throw exists(manifest);
  const files = new Map([[manifest, manifestText(name, entry ?? "main.ts")]]);
  if (!hasSource) files.set(join(source, "main.ts"), programText(name));
  const written: string[] = [];
  try {
    for (const [path, text] of files) writeNew(path, text, () => written.push(path));
  } catch (error) {
    for (const path of written) rmSync(path, { force: true });
    throw error;
  }
  return { name, written, isRunnable: entry !== undefined };
}

const nameFor = (folder: string): string => basename(resolve(folder)).replace(/[^\w.-]+/g, "-") || "app";

function findEntry(source: string): string | undefined {
  if (!doing("look at", source, () => statSync(source)).isDirectory())
    throw new PspfError(
      "output-exists",
      `Cannot start a project: ${source} is a file, a folder was expected`,
    );
  const names = new Set(readdirSync(source));
  return ENTRIES.find((name) => names.has(name));
}

/** `onMade` is called once the file is ours, which is before all of it is written. */
function writeNew(path: string, text: string, onMade: () => void): void {
  doing("create the folder of", path, () => mkdirSync(dirname(path), { recursive: true }));
  try {
    writeFileSync(path, "", { flag: "wx" });
    onMade();
    writeFileSync(path, text);
  } catch (error) {
    throw errnoOf(error) === "EEXIST" ? exists(path) : ioError("write", path, error);
  }
}

const exists = (path: string) =>
  new PspfError("output-exists", `Cannot write ${path}: it exists`, {
    hint: "edit it, or choose another folder",
  });

const programText = (name: string): string => `const [who = "world"] = process.argv.slice(2);
process.stdout.write(\`Hello, \${who}, from ${name}\\n\`);
`;

const manifestText = (
  name: string,
  entry: string,
): string => `# What "flavor pack" builds. Paths are relative to this file.

[package]
name = ${JSON.stringify(name)}
version = "0.1.0"
# description = "One line for flavor inspect"

# Each slot is a file or a folder that the package carries. It is unpacked once, into the workenv.
[[slots]]
id = "app"
source = "src"
# target = "app"                # where in the workenv; the id when not given
# exclude = ["**/*.test.ts"]
# operations = "tar|zstd"       # the usual choice for a folder
# platform = "linux"            # only in packages for that system

# {workenv} is the folder where the slots are; {bun} is the launcher acting as Bun, so nothing needs to be installed.
[execution]
command = ${JSON.stringify(`{bun} {workenv}/app/${entry}`)}

# [execution.env]
# MODE = "production"

# Done once, after unpacking:
# [[setup_commands]]
# type = "write_file"
# path = "{workenv}/settings.json"
# content = "{}"

# What "flavor pack" builds when its command line does not say:
# [pack]
# platforms = ["linux-x64", "darwin-arm64", "windows-x64"]
`;
