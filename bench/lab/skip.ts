/** Why something cannot be measured on this machine, which is no failure. The message is the reason. */
export class Skip extends Error {}

/** The path of a program; throws Skip where it is not on PATH. */
export function need(program: string): string {
  const path = Bun.which(program);
  if (path === null) throw new Skip(`${program} is not here`);
  return path;
}

/** What went wrong, in one line that may stand in results: paths of this machine are made short. */
export const reasonOf = (error: unknown): string =>
  shortPaths((error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " "));

/** A text whose absolute paths have only their last names. */
export const shortPaths = (text: string): string =>
  text.replaceAll(/(?:\/[^\s/,:"]+)+\/([^\s/,:"]+)/g, "…/$1");
