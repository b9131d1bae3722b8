import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentIn, removeFolder } from "../lab/lab.ts";
import { said } from "../lab/process.ts";
import { Skip } from "../lab/skip.ts";
import { carriesMore, type Payload } from "../lab/tree.ts";
import { pythonTool } from "./install.ts";
import type { Peer } from "./peer.ts";

const HELLO_PY = "def main():\n    print('hello')\n\nif __name__ == '__main__':\n    main()\n";

/** PyInstaller's one file: Python and all else, unpacked anew at every start. */
export const pyinstaller: Peer = {
  name: "PyInstaller",
  carriesFiles: true,
  build: async (lab, payload, dir) => {
    const tool = await pythonTool(lab, "pyinstaller");
    const script = join(dir, "hello.py");
    writeFileSync(script, HELLO_PY);
    const places = ["--distpath", join(dir, "dist"), "--workpath", join(dir, "work"), "--specpath", dir];
    const data = carriesMore(payload) ? ["--add-data", `${payload.dir}:payload`] : [];
    const options = ["--onefile", "--log-level", "ERROR", ...places, ...data, "--name", "hello", script];
    said({
      command: ["python3", "-m", "PyInstaller", ...options],
      env: { ...lab.env, PYTHONPATH: tool },
      cwd: dir,
    });
    removeFolder(join(dir, "work"));
    const file = join(dir, "dist", "hello");
    return { file, start: (home) => ({ command: [file], env: environmentIn(home) }) };
  },
};

/** pex: an archive for a Python that is there, unpacked once. */
export const pex = zipapp("pex", (site, file) => ["-m", "pex", "-D", site, "-e", "hello:main", "-o", file]);

/** shiv: the same idea. */
export const shiv = zipapp("shiv", (site, file) => [
  "-m",
  "shiv",
  "--site-packages",
  site,
  "-e",
  "hello:main",
  "-o",
  file,
]);

function zipapp(name: "pex" | "shiv", options: (site: string, file: string) => readonly string[]): Peer {
  return {
    name,
    carriesFiles: true,
    build: async (lab, payload, dir) => {
      const tool = await pythonTool(lab, name);
      const python = said({
        command: ["python3", "-c", "import sys; print(sys.executable)"],
        env: lab.env,
      }).out.trim();
      const file = join(dir, `hello.${name}`);
      const env = { ...lab.env, PYTHONPATH: tool };
      const site = siteWith(payload, dir);
      said({ command: [python, ...options(site, file)], env, cwd: dir });
      removeFolder(site);
      return { file, start: (home) => ({ command: [python, file], env: environmentIn(home) }) };
    },
  };
}

/** A folder of modules with the program and, where there are any, the payload's files as data. */
function siteWith(payload: Payload, dir: string): string {
  const site = join(dir, "site");
  mkdirSync(site);
  writeFileSync(join(site, "hello.py"), HELLO_PY);
  if (carriesMore(payload)) cpSync(payload.dir, join(site, "payload"), { recursive: true });
  return site;
}

/** PyApp is here for completeness: what it makes of a program cannot be had from package registries alone. */
export const pyapp: Peer = {
  name: "PyApp",
  carriesFiles: false,
  build: () => {
    throw new Skip("it downloads its Python from outside of package registries");
  },
};
