import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { isPathInside } from "../../io/paths.ts";
import { replaceFile } from "../../io/replacement.ts";
import { isObject, recordOf } from "../../json-object.ts";
import type { Marker } from "../marker.ts";
import { removeFolder } from "../tidy-bookkeeping.ts";

const SCHEMA = "flavor.setup/1";

/**
 * `instance/setup.json`: what was otherwise than the package has it when a workenv had just been set up, so that it can be
 * told from what became of it later.
 */
export interface SetupChanges {
  readonly schema: typeof SCHEMA;
  /** The workenv that it is about, by when that was made. */
  readonly created: string;
  /** Indices of the slots that were there. */
  readonly slots: readonly number[];
  /** What lay at each path, as `describe` says it. */
  readonly changes: Readonly<Record<string, string>>;
}

const pathTo = ({ bookkeeping }: WorkenvLayout): string => join(bookkeeping, "instance", "setup.json");

/** What was noted of the workenv that a marker vouches for; undefined for anything else. Never throws. */
export function readSetupChanges(
  layout: WorkenvLayout,
  { created }: Pick<Marker, "created">,
): SetupChanges | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(pathTo(layout), "utf8"));
    if (!isObject(value) || value["schema"] !== SCHEMA || value["created"] !== created) return undefined;
    const { slots, changes } = value;
    if (!Array.isArray(slots) || !slots.every(Number.isSafeInteger) || !isObject(changes)) return undefined;
    const isSound = Object.entries(changes).every(
      ([path, what]) => isPathInside(path) && typeof what === "string",
    );
    const table = recordOf(Object.entries(changes)) as Readonly<Record<string, string>>;
    return isSound ? { schema: SCHEMA, created, slots, changes: table } : undefined;
  } catch {
    return undefined;
  }
}

export function writeSetupChanges(layout: WorkenvLayout, changes: Omit<SetupChanges, "schema">): void {
  removeFolder(pathTo(layout));
  replaceFile(pathTo(layout), `${JSON.stringify({ schema: SCHEMA, ...changes })}\n`);
}
