import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "./process.ts";

export interface LabOptions {
  /** Short runs on small things. */
  readonly quick: boolean;
  /** Rounds of every row, instead of what the row would do. */
  readonly rounds?: number | undefined;
  /** The work folder, in memory where that is possible. */
  readonly dir: string;
  /** A folder on a disk. */
  readonly disk: string;
  /** The environment of who called, for installers and compilers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly say: (text: string) => void;
}

/** Where measurements are taken. */
export interface Lab extends Omit<LabOptions, "rounds"> {
  /** How many rounds a row does that would do `full`; two in quick runs. */
  readonly rounds: (full: number) => number;
  /** What `make` makes, the same for all who ask for this name. */
  readonly once: <T>(name: string, make: () => Promise<T> | T) => Promise<T>;
  /** The versions of everything that took part. */
  readonly versions: Record<string, string>;
}

export function openLab({ rounds, ...options }: LabOptions): Lab {
  const made = new Map<string, Promise<unknown>>();
  return {
    ...options,
    rounds: (full) => rounds ?? (options.quick ? 2 : full),
    once<T>(name: string, make: () => Promise<T> | T): Promise<T> {
      const found = (made.get(name) as Promise<T> | undefined) ?? Promise.resolve().then(make);
      made.set(name, found);
      return found;
    },
    versions: {},
  };
}

/** A new empty folder; its name begins with `name`. */
export function freshFolder(parent: string, name: string): string {
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, `${name}-`));
}

/** How a program is started for a user whose home, cache and temporary files are all below `home`. */
export type Start = (home: string) => Call;

/**
 * What a started program sees: nothing of who runs the benchmark. CI=1 switches off what a launcher does once a day beside
 * the application, cleaning its cache, which would disturb what is measured next.
 */
export const environmentIn = (home: string, more: Call["env"] = {}): Call["env"] => ({
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: home,
  TMPDIR: join(home, "tmp"),
  FLAVOR_CACHE: join(home, "cache"),
  CI: "1",
  ...more,
});

/** A home for one user of programs. */
export function freshHome(parent: string): string {
  const home = freshFolder(parent, "home");
  mkdirSync(join(home, "tmp"));
  return home;
}

export const removeFolder = (path: string): void => rmSync(path, { recursive: true, force: true });
