import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { isChosen, type KeyChoice } from "../signing/key-choice.ts";
import { shortPath } from "./reports/text.ts";

const MANIFESTS = ["flavor.toml", "manifest.json"] as const;

/** The manifest that was named, or the one of the folder that was named, else of the current folder. */
export function findManifest(named: string | undefined, cwd: string): string {
  if (named !== undefined && statSync(named, { throwIfNoEntry: false })?.isDirectory() !== true) return named;
  const folder = named ?? cwd;
  const found = MANIFESTS.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new PspfError(
    "bad-arguments",
    `Cannot find a manifest: ${folder} has no ${MANIFESTS.join(" and no ")}`,
    { hint: '"flavor init" writes one to start from' },
  );
}

/** Where "flavor keygen" puts its keys. */
export const KEY_FOLDER = "keys";
const PRIVATE_KEY = "flavor-private.key";
const PUBLIC_KEY = "flavor-public.key";

/** The key beside the manifest, when no other was chosen and it is there; so is its public half, to be compared. */
export function ownKeyOf(directory: string, choice: KeyChoice): KeyChoice {
  if (isChosen(choice)) return {};
  const at = (name: string) => join(directory, KEY_FOLDER, name);
  const named = (name: string) => shortPath(at(name), process.cwd());
  if (!existsSync(at(PRIVATE_KEY))) return {};
  return {
    privateKey: named(PRIVATE_KEY),
    ...(existsSync(at(PUBLIC_KEY)) ? { publicKey: named(PUBLIC_KEY) } : {}),
  };
}

const STATEMENT_END = ".statement.json";

/** The statements of keys beside the manifest, where the keys are, sorted by name. */
export function ownStatementsOf(directory: string): readonly string[] {
  const folder = join(directory, KEY_FOLDER);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(STATEMENT_END));
  return names.sort().map((name) => shortPath(join(folder, name), process.cwd()));
}
