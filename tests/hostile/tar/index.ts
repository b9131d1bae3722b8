import { HEADER_ATTACKS } from "./headers.ts";
import { LINK_ATTACKS } from "./links.ts";
import { NAME_ATTACKS } from "./names.ts";
import type { Attack } from "./row.ts";

/** Every attack by an archive, by what it uses. */
export const ATTACKS: Readonly<Record<string, readonly Attack[]>> = {
  names: NAME_ATTACKS,
  links: LINK_ATTACKS,
  "headers and modes": HEADER_ATTACKS,
};
