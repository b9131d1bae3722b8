import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { packApp } from "../support/launcher.ts";
import { type State, STATES } from "../support/process/states.ts";
import { tempDir } from "../support/temp-dir.ts";

// A program that prints all it has from who started it, started directly and by a package, cold and warm, in ways that
// callers start programs. What differs is what docs/workenv.md says, and nothing else.

const compiler = process.platform === "linux" ? (Bun.which("cc") ?? Bun.which("gcc")) : null;
if (compiler === null)
  process.stderr.write("not tested: transparency of processes (it needs Linux and a C compiler)\n");
const SOURCES = join(import.meta.dir, "..", "support", "process");

/** Properties of a process, by name. */
type Properties = ReadonlyMap<string, string>;

let dir: ReturnType<typeof tempDir>;
let app: string;
/** The path of the program in its workenv, which is what an application has as argv[0]. */
let unpacked: string;
const inDir = (...names: readonly string[]) => join(dir.path, ...names);

beforeAll(async () => {
  if (compiler === null) return;
  dir = tempDir();
  for (const name of ["probe", "arrange"])
    expect(Bun.spawnSync([compiler, "-o", inDir(name), join(SOURCES, `${name}.c`)]).exitCode).toBe(0);
  app = await packApp(dir.path, MANIFEST, {});
  symlinkSync(app, inDir("probed"));
  unpacked = `${textOf(start(app, {}), "FLAVOR_WORKENV")}/probe`;
});
afterAll(() => dir?.[Symbol.dispose]());

const MANIFEST = `
[package]
name = "probed"
version = "1.0"
[execution]
command = "{workenv}/probe"
[[slots]]
id = "probe"
source = "probe"
permissions = "0755"
[[setup_commands]]
type = "execute"
command = "sh -c 'if [ -n \\"$HANG_UP\\" ]; then kill -HUP $PPID; fi'"
`;

const zeroEnded = (strings: readonly (string | Uint8Array)[]): Uint8Array =>
  Buffer.concat(strings.flatMap((text) => [Buffer.from(text), Buffer.of(0)]));

/** Starts a program in a state, and what it found. */
function start(program: string, { steps = [], args = [], variables = [] }: Partial<State>): Properties {
  const out = inDir("out");
  rmSync(out, { force: true });
  const home = inDir("home");
  const env = [
    `HOME=${home}`,
    `FLAVOR_CACHE=${home}/cache`,
    "LC_ALL=C",
    ...variables,
    `PROBE_OUT=${out}`,
    PATH(),
  ];
  writeFileSync(inDir("argv"), zeroEnded([program === inDir("probe") ? unpacked : program, ...args]));
  writeFileSync(inDir("env"), zeroEnded(env));
  const filled = steps.map((step) => step.replace("DIR", dir.path));
  const command = [inDir("arrange"), ...filled, "--", inDir("argv"), inDir("env"), program];
  const child = Bun.spawnSync(command, {
    timeout: 20_000,
    killSignal: "SIGKILL",
    env: { PATH: PATH().slice(5) },
  });
  if (!existsSync(out)) throw new Error(`${program} did not run: ${child.stderr}${child.stdout}`);
  const lines = readFileSync(out, "latin1").trimEnd().split("\n");
  const properties = new Map(
    lines.map((line): [string, string] => [...line.split(/ (.*)/s, 2)] as [string, string]),
  );
  // Numbers that are others in each run.
  const known = new Map([
    [String(child.pid), "the process that was started"],
    [String(process.pid), "the caller"],
  ]);
  for (const name of ["pid", "parent"])
    properties.set(name, known.get(properties.get(name) ?? "") ?? "another");
  return properties.set("stderr", `${child.stderr}`);
}

const PATH = () => `PATH=${dir.path}:/usr/local/bin:/usr/bin:/bin`;

const namesFor = (by: State["by"]): string =>
  by === "relative path" ? "./probed.psp" : by === "PATH" ? "probed" : by === "link" ? inDir("probed") : app;

const variablesOf = (properties: Properties): readonly string[] =>
  [...properties]
    .filter(([name]) => name.startsWith("variable."))
    .map(([, hex]) => Buffer.from(hex, "hex").toString("latin1"));

const textOf = (properties: Properties, variable: string): string =>
  variablesOf(properties)
    .find((line) => line.startsWith(`${variable}=`))
    ?.slice(variable.length + 1) ?? "";

/** As the application would have them without a launcher: what the launcher adds is checked and taken away. */
function withoutOurs(properties: Properties, calledAs: string): Properties {
  const workenv = dirname(unpacked);
  const added = [
    `FLAVOR_WORKENV=${workenv}`,
    `FLAVOR_PACKAGE=${app}`,
    `FLAVOR_COMMAND_NAME=${basename(calledAs)}`,
    `FLAVOR_ORIGINAL_COMMAND=${calledAs}`,
  ];
  const lines = variablesOf(properties);
  expect(lines.slice(-added.length)).toEqual(added);
  const rest = lines.slice(0, -added.length).map((line) => line.replace(`PATH=${workenv}/bin:`, "PATH="));
  return withVariables(properties, rest);
}

const withVariables = (properties: Properties, lines: readonly string[]): Properties =>
  new Map([...properties].filter(([name]) => !name.startsWith("variable."))).set(
    "variables",
    lines.join("\0"),
  );

/** Properties that differ, with what the second has; that of a lease is only called so. */
function differences(one: Properties, two: Properties): Readonly<Record<string, string>> {
  const names = [...new Set([...one.keys(), ...two.keys()])].filter(
    (name) => one.get(name) !== two.get(name),
  );
  return Object.fromEntries(
    names.map((name) => {
      const value = two.get(name) ?? "-";
      return [name, value.includes("/.store/v1/locks/env-") ? "lease" : value];
    }),
  );
}

describe.skipIf(compiler === null)("a program is started as if there were no launcher", () => {
  process.stderr.write(`${STATES.length} states of a process, each directly, cold and warm\n`);

  test.each(STATES.map((state) => [state.name, state] as const))("%s", (_, state) => {
    const calledAs = namesFor(state.by);
    if (state.warm !== true) rmSync(inDir("home", "cache"), { recursive: true, force: true });
    for (const temperature of state.warm === true ? ["warm"] : ["cold", "warm"]) {
      const through = withoutOurs(start(calledAs, state), calledAs);
      expect({ temperature, ...differences(directly(state), through) }).toEqual({
        temperature,
        ...expectedOf(state),
      });
    }
  });

  test.each(STATES.map((state) => [state.name, state] as const))("as a child: %s", (_, given) => {
    const state = { ...given, variables: [...(given.variables ?? []), "FLAVOR_EXEC_MODE=spawn"] };
    const calledAs = namesFor(state.by);
    const through = withoutOurs(start(calledAs, state), calledAs);
    expect(differences(directly(state), through)).toEqual({
      ...expectedOf(state),
      ...OF_A_CHILD,
      ...state.ofChild,
    });
  });

  test("a hangup that the caller ignores ends no first start, and reaches no program", () => {
    const state: State = { name: "", steps: ["ignore=1"], variables: ["HANG_UP=1"] };
    for (const mode of ["exec", "spawn"]) {
      rmSync(inDir("home", "cache"), { recursive: true, force: true });
      const variables = [...(state.variables ?? []), `FLAVOR_EXEC_MODE=${mode}`];
      expect(start(app, { ...state, variables }).get("signal.1")).toBe("ignored");
    }
    expect(() => {
      rmSync(inDir("home", "cache"), { recursive: true, force: true });
      start(app, { variables: ["HANG_UP=1"] });
    }).toThrow("did not run");
    start(app, {});
  });

  test.each(["exec", "spawn"])("streams wait, also after lines of the launcher's own (%s)", (mode) => {
    const state = { variables: ["FLAVOR_LOG_LEVEL=debug", `FLAVOR_EXEC_MODE=${mode}`] };
    const through = start(app, state);
    expect(through.get("stderr")).toContain("probed.psp: debug ");
    expect(through.get("file.2")).toBe(start(inDir("probe"), state).get("file.2"));
  });

  // Bun 1.4.5 damages the path of its own executable, too.
  test("a package whose path is no UTF-8 does not find itself, and says so", () => {
    const script =
      'cd "$1" && folder=$(printf "caf\\351") && mkdir "$folder" && ln "$2" "$folder/it" && exec "$folder/it"';
    const { stderr, exitCode } = Bun.spawnSync(["/bin/sh", "-c", script, "sh", dir.path, app], {
      env: { HOME: inDir("home") },
    });
    expect(stderr.toString()).toStartWith(`it: Cannot open ${dir.path}/caf\ufffd/it`);
    expect(exitCode).toBe(106);
  });

  /** How a program ended that was started with two words. */
  const endOf = (program: string, mode: string, ...words: readonly string[]) => {
    const env = { HOME: inDir("home"), FLAVOR_CACHE: inDir("home", "cache"), FLAVOR_EXEC_MODE: mode };
    const { exitCode, signalCode } = Bun.spawnSync([program, ...words], { env });
    return { exitCode, signalCode };
  };
  const STOPPING = [19, 20, 21, 22];
  const DEADLY = Array.from({ length: 64 }, (_, i) => i + 1).filter(
    (number) => !STOPPING.includes(number) && number !== 32 && number !== 33,
  );

  test.each(["exec", "spawn"])(
    `ends by any of ${DEADLY.length} signals as it does alone (%s)`,
    (mode) => {
      for (const number of DEADLY) {
        const ended = { number, ...endOf(app, mode, "die", String(number)) };
        expect(ended).toEqual({ number, ...endOf(inDir("probe"), mode, "die", String(number)) });
      }
    },
    60_000,
  );

  test.each(["exec", "spawn"])("ends with any exit code as it does alone (%s)", (mode) => {
    for (const code of ["0", "1", "2", "100", "101", "126", "127", "128", "129", "137", "255"])
      expect(endOf(app, mode, "exit", code)).toEqual(endOf(inDir("probe"), mode, "exit", code));
  });

  // At its end Bun 1.4.5 sets a terminal back to what it was at its start.
  test.each(["exec", "spawn"])("leaves a terminal as the program leaves it (%s)", (mode) => {
    writeFileSync(inDir("argv"), zeroEnded(["sh", "-c", `FLAVOR_EXEC_MODE=${mode} ${app} mute; stty -a`]));
    writeFileSync(
      inDir("env"),
      zeroEnded([PATH(), `HOME=${inDir("home")}`, `FLAVOR_CACHE=${inDir("home", "cache")}`]),
    );
    const words = [inDir("arrange"), "terminal", "--", inDir("argv"), inDir("env"), "sh"];
    expect(Bun.spawnSync(words).stdout.toString()).toMatch(/ -echo /);
  });
});

const OF_A_CHILD = { pid: "another", parent: "the process that was started", "parent-death": "9" };

function directly(state: State): Properties {
  const properties = start(inDir("probe"), state);
  return withVariables(properties, variablesOf(properties));
}

/** What docs/workenv.md says. A lease has the first number that is free. */
function expectedOf({ differs = {} }: State): Readonly<Record<string, string>> {
  return Object.values(differs).includes("lease") ? differs : { "file.900": "lease", ...differs };
}
