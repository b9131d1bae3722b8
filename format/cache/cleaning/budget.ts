import { PspfError } from "../../errors.ts";

/** How much of a cache may stay: what was not used for longer goes, and then what was used least recently. */
export interface Budget {
  /** Milliseconds since the last use; Infinity for no limit. */
  readonly maxAge: number;
  /** Bytes on the disk of the whole cache; Infinity for no limit. */
  readonly maxSize: number;
}

export type CacheStrategy = "aggressive" | "balanced" | "conservative" | "minimal";

/** How long a workenv stays once its application has ended. */
export type Stay = "within the budget" | "until its end" | "outside the cache";

interface Strategy {
  readonly budget: Budget;
  readonly stay: Stay;
}

const HOUR = 60 * 60 * 1000;
export const DAY = 24 * HOUR;
const KIB = 1024;
const NO_LIMIT: Budget = { maxAge: Number.POSITIVE_INFINITY, maxSize: Number.POSITIVE_INFINITY };
const USUAL: Budget = { maxAge: 30 * DAY, maxSize: 10 * KIB ** 3 };

/** Everything that a strategy decides. */
export const STRATEGIES = {
  aggressive: { budget: NO_LIMIT, stay: "within the budget" },
  balanced: { budget: USUAL, stay: "within the budget" },
  conservative: { budget: USUAL, stay: "until its end" },
  minimal: { budget: NO_LIMIT, stay: "outside the cache" },
} as const satisfies Record<CacheStrategy, Strategy>;

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The budget of a strategy with what the variables say instead. Throws `bad-arguments`, naming the variable and what it
 * may be.
 */
export function budgetOf(strategy: CacheStrategy, env: Variables): Budget {
  const { maxAge, maxSize } = STRATEGIES[strategy].budget;
  return {
    maxAge: limitIn(env, "FLAVOR_CACHE_MAX_AGE", parseAge, AGE_FORMS) ?? maxAge,
    maxSize: limitIn(env, "FLAVOR_CACHE_MAX_SIZE", parseSize, SIZE_FORMS) ?? maxSize,
  };
}

/** Whether this machine is known to build things and throw them away: nothing is worth cleaning there. */
export const isContinuousIntegration = ({ CI: value = "" }: Variables): boolean =>
  value !== "" && value.toLowerCase() !== "false";

function limitIn(
  env: Variables,
  name: string,
  parse: (text: string) => number | undefined,
  forms: string,
): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  const limit = text.toLowerCase() === "off" ? Number.POSITIVE_INFINITY : parse(text);
  if (limit !== undefined) return limit;
  throw new PspfError("bad-arguments", `Cannot use ${name}=${JSON.stringify(text)}: it is no limit`, {
    hint: `use ${forms}, or "off" for no limit`,
  });
}

export const AGE_FORMS = 'a number of days, or hours, days or weeks such as "12h", "30d" or "8w"';
export const SIZE_FORMS = 'a number of bytes, or of units of 1024 such as "500M", "10G" or "1T"';

const AGE_UNITS: Readonly<Record<string, number>> = { "": DAY, h: HOUR, d: DAY, w: 7 * DAY };
const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: KIB,
  m: KIB ** 2,
  g: KIB ** 3,
  t: KIB ** 4,
};

/** Milliseconds, or undefined for what is no age. */
export const parseAge = (text: string): number | undefined =>
  parseWith(/^(\d{1,6})([hdw]?)$/i, AGE_UNITS, text);

/** Bytes, or undefined for what is no size. */
export const parseSize = (text: string): number | undefined =>
  parseWith(/^(\d{1,15})([kmgt]?)$/i, SIZE_UNITS, text);

function parseWith(form: RegExp, units: Readonly<Record<string, number>>, text: string): number | undefined {
  const [, digits, unit = ""] = form.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * (units[unit.toLowerCase()] as number);
}
