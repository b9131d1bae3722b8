import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { isObject } from "../../json-object.ts";
import { doing } from "../../io/fs.ts";
import { isPathInside } from "../../io/paths.ts";
import { replaceFile } from "../../io/replacement.ts";
import type { Metadata } from "../../wire/metadata-types.ts";
import { pathsOf } from "./slot-files.ts";
import type { SlotPlan } from "./slot-plan.ts";
import { removeFolder } from "../tidy-bookkeeping.ts";
import type { Unpacked } from "../unpacking/unpacked.ts";

const SCHEMA = "flavor.start/1";
const STATES: readonly unknown[] = [
  "unused",
  "complete",
  "changing",
] satisfies readonly StartFiles["state"][];

/** What lies in a workenv of the slots that come and go with the application. */
export interface StartFiles {
  readonly schema: typeof SCHEMA;
  /**
   * "unused": nobody has started with them yet. "complete": whoever shares them may. "changing": a process that puts
   * them in or takes them away was at work, and no application uses them.
   */
  readonly state: "unused" | "complete" | "changing";
  /** The paths that each slot wrote, by its index, relative to the workenv. */
  readonly paths: Readonly<Record<string, readonly string[]>>;
}

const pathTo = ({ bookkeeping }: WorkenvLayout): string => join(bookkeeping, "instance", "start.json");

/** What was noted last; undefined for anything else: a look-up never fails on bad data. */
export function readStartFiles(layout: WorkenvLayout): StartFiles | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(pathTo(layout), "utf8"));
    if (!isObject(value) || value["schema"] !== SCHEMA || !isObject(value["paths"])) return undefined;
    const lists = Object.values(value["paths"]);
    const isSound =
      STATES.includes(value["state"]) &&
      lists.every((list) => Array.isArray(list) && list.every(isPathInside));
    return isSound ? (value as unknown as StartFiles) : undefined;
  } catch {
    return undefined;
  }
}

export function writeStartFiles(layout: WorkenvLayout, files: Omit<StartFiles, "schema">): void {
  removeFolder(pathTo(layout));
  replaceFile(pathTo(layout), `${JSON.stringify({ schema: SCHEMA, ...files })}\n`);
}

/** Notes what a new workenv has of such slots. After setup commands the first start makes them anew, as every other does. */
export function noteStartFiles(
  layout: WorkenvLayout,
  { setupCommands }: Pick<Metadata, "setupCommands">,
  { beforeStart }: SlotPlan,
  unpacked: Unpacked,
): void {
  if (beforeStart.length === 0)
    return doing("remove", pathTo(layout), () => rmSync(pathTo(layout), { force: true, recursive: true }));
  writeStartFiles(layout, {
    state: setupCommands.length === 0 ? "unused" : "changing",
    paths: pathsBySlot(unpacked, beforeStart),
  });
}

export const pathsBySlot = (unpacked: Unpacked, slots: readonly number[]): StartFiles["paths"] =>
  Object.fromEntries(slots.map((slot) => [String(slot), pathsOf(unpacked, slot)]));
