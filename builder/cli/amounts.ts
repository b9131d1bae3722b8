import { AGE_FORMS, parseAge, parseSize, SIZE_FORMS } from "../../format/cache/cleaning/budget.ts";
import { PspfError } from "../../format/errors.ts";

/** An age as people write it, in milliseconds; `bad-arguments` for anything else. */
export const age = (text: string): number => limit(parseAge(text), text, "an age", AGE_FORMS);

/** A size as people write it, in bytes; `bad-arguments` for anything else. */
export const size = (text: string): number => limit(parseSize(text), text, "a size", SIZE_FORMS);

function limit(value: number | undefined, text: string, what: string, forms: string): number {
  if (value !== undefined) return value;
  throw new PspfError("bad-arguments", `Cannot use ${JSON.stringify(text)} as ${what}`, {
    hint: `use ${forms}`,
  });
}
