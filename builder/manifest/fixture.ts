import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { parseManifest, type ReadManifestOptions } from "./manifest.ts";

/** A new folder with things to pack: app/main.py, uv, env.tgz, launcher. */
export function createFixture() {
  const root = mkdtempSync(join(tmpdir(), "manifest-"));
  mkdirSync(join(root, "app"));
  writeFileSync(join(root, "app", "main.py"), "print(1)\n");
  for (const file of ["uv", "env.tgz", "launcher"]) writeFileSync(join(root, file), file);
  return {
    root,
    tomlPath: join(root, "flavor.toml"),
    jsonPath: join(root, "manifest.json"),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** What is said about a manifest that must be refused. */
export const errorOf = (text: string, path: string, options?: ReadManifestOptions): PspfError => {
  try {
    parseManifest(text, path, options);
  } catch (error) {
    if (error instanceof PspfError) return error;
    throw error;
  }
  throw new Error("the manifest was accepted");
};

export const HEAD = '[package]\nname = "app"\nversion = "1.0"\n';
export const RUN = '[execution]\ncommand = "run"\n';
export const toml = (rest: string) => `${HEAD}${RUN}${rest}`;
export const slot = (rest: string) => toml(`[[slots]]\nsource = "app"\n${rest}`);
export const json = (members: object) =>
  JSON.stringify({ package: { name: "app", version: "1.0" }, execution: { command: "run" }, ...members });
export const jsonSlot = (members: object) =>
  json({ slots: [{ id: "a", source: "app", target: "a", ...members }] });
