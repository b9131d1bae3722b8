import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { REACTIONS, type Reaction } from "../../scripts/bun-environment.ts";
import { type Files, oneFolder, packApp, writeFiles } from "../support/launcher.ts";
import { tempDir } from "../support/temp-dir.ts";

// Everything that Bun reacts to, one by one, on the real launcher: what the table says becomes of it is what is seen.

/** Long enough for Bun to keep its translation (4 KB), and full of words that settings of Bun could change. */
const SCRIPT = `
const tried = async (path: string) => {
  try {
    const found = await import(path);
    return String(found.default);
  } catch {
    return "nothing";
  }
};
declare const DEFINED: string;
console.log(JSON.stringify({
  env: process.env,
  args: process.argv.slice(2),
  hour: new Date(0).getHours(),
  defined: typeof DEFINED === "undefined" ? "nothing" : DEFINED,
  imported: [await tried("planted-package"), await tried("#x"), await tried("~planted/anything")],
}));
// ${"padding ".repeat(600)}
`;

/** What is the same in every run. */
const SHARED: Files = {
  "evil.ts": 'process.stdout.write("EVIL\\n"); export default "EVIL";',
  "packages/planted-package/index.js": 'module.exports = "EVIL";',
};

let dir: ReturnType<typeof tempDir>;
let native: string;
let script: string;
beforeAll(async () => {
  dir = tempDir();
  writeFiles(dir.path, SHARED);
  native = await packApp(dir.path, oneFolder("native", "env -0"), { "app/main.ts": SCRIPT });
  script = await packApp(dir.path, oneFolder("script", "{bun} {workenv}/app/main.ts"), {});
}, 60_000);
afterAll(() => dir[Symbol.dispose]());

/** What can be seen of a start. The folders of a run have the same names in all of them. */
interface Seen {
  /** What the program says: `{ env }` of one that is native, the object of a script, or else its text. */
  readonly said: unknown;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Files that it has left in the caller's folder, at home and where the trial could tell it to write. */
  readonly left: readonly string[];
}

interface Trial {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

const PROGRAMS = ["a launcher that stays", "a launcher that goes", "a script", "Bun"] as const;
type Program = (typeof PROGRAMS)[number];

let runs = 0;

/** Starts a program in folders of its own, with something that it might react to. */
async function observe(program: Program, trial: Trial): Promise<Seen> {
  const own = join(dir.path, `run-${runs++}`);
  const [cwd, home, warm] = [join(own, "cwd"), join(own, "home"), join(dir.path, "warm")];
  const { env, files } = filledIn(trial, own);
  for (const folder of [cwd, home]) {
    mkdirSync(folder, { recursive: true });
    writeFiles(folder, files);
  }
  if (program === "Bun") writeFiles(cwd, { "main.ts": SCRIPT });
  const stays = program === "a launcher that stays";
  const commands: Readonly<Record<Program, readonly string[]>> = {
    "a launcher that stays": [native],
    "a launcher that goes": [native],
    "a script": [script],
    Bun: [process.execPath, "--no-install", "main.ts"],
  };
  const child = Bun.spawn([...commands[program]], {
    cwd,
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      HOME: home,
      XDG_STATE_HOME: join(dir.path, "state"),
      FLAVOR_DURABLE: "0", // nothing here is to survive a power cut
      FLAVOR_CACHE: stays ? join(own, "cache") : warm,
      ...(stays ? { FLAVOR_EXEC_MODE: "spawn" } : {}),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const named = (text: string) => text.replaceAll(own, "/own").replaceAll(warm, "/own/cache");
  const planted = new Set(["cache", "cwd", "home", "main.ts", ...Object.keys(files).map(firstOf)]);
  const left = [own, cwd, home].flatMap((folder) => readdirSync(folder)).filter((name) => !planted.has(name));
  rmSync(own, { recursive: true });
  return {
    said: meaningOf(named(stdout)),
    stderr: named(stderr),
    exitCode: child.exitCode,
    signal: child.signalCode === null ? null : String(child.signalCode),
    left,
  };
}

const firstOf = (path: string): string => path.split("/")[0] as string;

function filledIn({ env = {}, files = {} }: Trial, own: string): Required<Trial> {
  const places: Readonly<Record<string, string>> = {
    evil: join(dir.path, "evil.ts"),
    packages: join(dir.path, "packages"),
    out: join(own, "out"),
  };
  const fill = (texts: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [
        name,
        text.replace(/\{(evil|packages|out)\}/g, (_, place: string) => places[place] as string),
      ]),
    );
  return { env: fill(env), files: fill(files) };
}

function meaningOf(stdout: string): unknown {
  if (!stdout.includes("\0")) {
    try {
      return JSON.parse(stdout);
    } catch {
      return stdout;
    }
  }
  const pairs = stdout.split("\0").filter((pair) => pair !== "");
  return { env: Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2))) };
}

/** What was seen without the trial, but for its variables, which the program has. */
function unchanged(plain: Seen, { env }: Required<Trial>): Seen {
  const said = plain.said as { readonly env: object };
  const own = (value: string) => value.replace(/^.*\/run-\d+/, "/own");
  const given = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, own(value)]));
  return { ...plain, said: { ...said, env: { ...said.env, ...given } } };
}

const plain = new Map<Program, Promise<Seen>>();

/** What is seen of a program without any of it, when it was started before. */
function plainOf(program: Program): Promise<Seen> {
  const seen = plain.get(program) ?? observe(program, {}).then(() => observe(program, {}));
  plain.set(program, seen);
  return seen;
}

test("without any of it, each program says the same twice, and leaves nothing but Bun's own cache", async () => {
  for (const program of PROGRAMS) {
    const seen = await plainOf(program);
    expect(await observe(program, {})).toEqual(seen);
    expect(seen).toMatchObject({ stderr: "", exitCode: 0 });
    expect(seen.said).toHaveProperty("env.HOME", "/own/home");
    expect(seen.left).toEqual(program === "a script" || program === "Bun" ? [".bun"] : []);
  }
});

/** The programs on which something is seen that is not seen without it; variables that they have do not count. */
async function changedBy(trial: Trial, programs: readonly Program[], withheld = false): Promise<Program[]> {
  const { env, files } = filledIn(trial, "/own");
  const plain = await Promise.all(programs.map(plainOf));
  const seen = await Promise.all(programs.map((program) => observe(program, trial)));
  return programs.filter((program, i) => {
    const given = withheld && program === "a script" ? {} : env;
    return !Bun.deepEquals(seen[i], unchanged(plain[i] as Seen, { env: given, files }));
  });
}

const isTried = ({ apart, only }: Reaction): boolean =>
  apart === undefined && (only === undefined || only === process.platform);

/** The names of a row, each with what is tried. */
const trialsOf = ({ variables = {}, files = {} }: Reaction): readonly (Trial & { name: string })[] => [
  ...Object.entries(variables).map(([name, value]) => ({ name, env: { [name]: value } })),
  ...Object.entries(files).map(([name, text]) => ({ name, files: { [name]: text } })),
];

const rows = REACTIONS.filter(isTried);
const tries = rows.flatMap((row) => trialsOf(row).map(({ name, ...trial }) => ({ ...row, name, trial })));

describe(`${tries.length} variables and files, one by one`, () => {
  test.each(tries)("$name: to launchers $launcher, to scripts $script", async (row) => {
    const { trial, launcher, script, withheld } = row;
    // A launcher that stays reads more, but takes long: what does nothing is tried on it below, a row at once.
    const programs = PROGRAMS.filter(
      (program) => program !== "Bun" && (launcher !== "nothing" || program !== "a launcher that stays"),
    );
    const changed = await changedBy(trial, programs, withheld);
    expect({
      launcher: changed.some((program) => program !== "a script"),
      script: changed.includes("a script"),
      changed,
    }).toEqual({ launcher: launcher === "works", script: script === "works", changed });
  });
});

test.each(rows.filter(({ launcher }) => launcher === "nothing"))(
  "a launcher that stays does not react either: $does",
  async ({ variables = {}, files = {} }) => {
    expect(await changedBy({ env: variables, files }, ["a launcher that stays"])).toEqual([]);
  },
);

describe("what is off for us works with Bun itself, so these tests could fail:", () => {
  test.each(
    tries.filter(({ launcher, script, withheld }) => (launcher === "off" || script === "off") && !withheld),
  )("$name", async ({ name, trial }) => {
    const mode = name.match(/^\.env\.(development|production|test)/)?.[1];
    const env = { ...trial.env, ...(mode === undefined ? {} : { NODE_ENV: mode }) };
    expect(await changedBy({ ...trial, env }, ["Bun"])).toEqual(["Bun"]);
  });
});
