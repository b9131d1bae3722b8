/**
 * Each torture test has a short form for every run of the tests and a long one for `npm run torture`, which loads
 * `long.ts` first.
 */
export const isLong = process.env["FLAVOR_TORTURE"] === "long";

/** What a form takes: the short one's value, or the long one's. */
export const byLength = <T>(short: T, long: T): T => (isLong ? long : short);
