/** What becomes of a slot in a workenv. */
export interface Lifecycle {
  /** When its files are put there. */
  readonly made: "with the workenv" | "before every start" | "on demand" | "in development" | "at the end";
  /** When they go again. "at the end" is when the last process of the application has ended. */
  readonly goes: "with the workenv" | "after setup" | "at the end";
  /** Whose changes to them are kept: nobody's, the running application's, or, across versions, the user's. */
  readonly changes: "package" | "application" | "user";
}

const RUNTIME = { made: "with the workenv", goes: "with the workenv", changes: "package" } as const;
const INIT = { ...RUNTIME, goes: "after setup" } as const;
const CACHE = { ...RUNTIME, changes: "application" } as const;
const USER = { ...RUNTIME, changes: "user" } as const;
const STARTUP = { made: "before every start", goes: "with the workenv", changes: "application" } as const;
const TEMPORARY = { ...STARTUP, goes: "at the end" } as const;
const SHUTDOWN = { made: "at the end", goes: "at the end", changes: "package" } as const;
const LAZY = { ...RUNTIME, made: "on demand" } as const;
const DEV = { ...RUNTIME, made: "in development" } as const;

/** Every word that a manifest may use, in the order in which people are told of them. */
const TABLE = {
  init: INIT,
  initialization: INIT,
  startup: STARTUP,
  runtime: RUNTIME,
  shutdown: SHUTDOWN,
  cache: CACHE,
  cached: CACHE,
  temp: TEMPORARY,
  temporary: TEMPORARY,
  lazy: LAZY,
  eager: RUNTIME,
  dev: DEV,
  development: DEV,
  config: USER,
  platform: RUNTIME,
  persistent: USER,
  volatile: STARTUP,
  "init-only": INIT,
} as const satisfies Record<string, Lifecycle>;

export type LifecycleWord = keyof typeof TABLE;

export const LIFECYCLE_WORDS = Object.keys(TABLE) as readonly LifecycleWord[];

const isWord = (word: string): word is LifecycleWord => Object.hasOwn(TABLE, word);

/** What a word means. One that nobody knows, as a package of another builder may have, means "runtime". */
export const lifecycleOf = (word: string): Lifecycle => (isWord(word) ? TABLE[word] : RUNTIME);

/** Whether cleaning must leave the files of a slot alone even if nobody has edited them. */
export const isPersistent = (word: string): boolean => word === "persistent";
