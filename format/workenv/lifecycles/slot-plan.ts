import { isPlatformPattern, matchesTarget, TARGET_NAMES, TARGETS } from "../../platform.ts";
import { splitWords } from "../../command/words.ts";
import type { Metadata, SetupCommand, SlotEntry } from "../../wire/metadata-types.ts";
import { type Lifecycle, lifecycleOf } from "./lifecycle.ts";

/** What decides which slots a workenv holds, besides the package. */
export interface Wishes {
  /** The machine, in the words of `{os}` and `{arch}`. */
  readonly host: { readonly os: string; readonly arch: string };
  /** Whether slots for development are wanted. */
  readonly dev: boolean;
  /** Indices of slots that somebody asked for. */
  readonly demanded?: readonly number[];
}

/** The slots of a package by what happens to them, each list by index in the order of the package. */
export interface SlotPlan {
  /** Unpacked when the workenv is made. */
  readonly withWorkenv: readonly number[];
  /** Those of them that go when the setup commands are done. */
  readonly afterSetup: readonly number[];
  /** Unpacked anew before every start. */
  readonly beforeStart: readonly number[];
  /** Removed when the application has ended. */
  readonly atEnd: readonly number[];
  /** Unpacked when the application has ended. */
  readonly forEnd: readonly number[];
  /** Unpacked in development only. */
  readonly forDev: readonly number[];
}

/** What a request for a workenv says about its slots. */
export const wishesIn = ({
  scope: { os, arch },
  dev = false,
  demanded = [],
}: {
  readonly scope: Wishes["host"];
  readonly dev?: boolean;
  readonly demanded?: readonly number[];
}): Wishes => ({ host: { os, arch }, dev, demanded });

type Planned = Pick<Metadata, "slots" | "execution" | "setupCommands">;

/** Which slots are unpacked when. Slots for other machines, and those that stand for the package itself, are in no list. */
export function planSlots(metadata: Planned, { host, dev, demanded = [] }: Wishes): SlotPlan {
  const slots = metadata.slots.filter((slot) => !slot.selfRef && isForHost(slot.platform, host));
  const setup = metadata.setupCommands.flatMap(templatesOf);
  const isNamed = (slot: SlotEntry, templates: readonly string[]) =>
    templates.some((template) => names(template, slot, metadata.execution.primarySlot));
  const isWanted = (slot: SlotEntry): boolean => {
    switch (lifecycleOf(slot.lifecycle).made) {
      case "with the workenv":
      // The first time with the rest: setup commands may work with it, and a cache may be read-only later.
      case "before every start":
        return true;
      case "in development":
        return dev || demanded.includes(slot.index);
      case "on demand":
        return demanded.includes(slot.index) || isNamed(slot, [metadata.execution.command, ...setup]);
      case "at the end":
        return false;
    }
  };
  const indices = (isMeant: (slot: SlotEntry) => boolean) => slots.filter(isMeant).map(({ index }) => index);
  const madeWhen = (made: Lifecycle["made"]) =>
    indices(({ lifecycle }) => lifecycleOf(lifecycle).made === made);
  const goingWhen = (goes: Lifecycle["goes"]) =>
    indices(({ lifecycle }) => lifecycleOf(lifecycle).goes === goes);
  return {
    withWorkenv: indices(isWanted),
    afterSetup: goingWhen("after setup"),
    beforeStart: madeWhen("before every start"),
    atEnd: goingWhen("at the end"),
    forEnd: madeWhen("at the end"),
    forDev: madeWhen("in development"),
  };
}

/**
 * Whether a slot that is restricted to `pattern` belongs onto a machine. A launcher does not know which of a platform's
 * variants it was made for; other builders' patterns restrict nothing.
 */
export const isForHost = (pattern: string | undefined, { os, arch }: Wishes["host"]): boolean =>
  pattern === undefined ||
  !isPlatformPattern(pattern) ||
  TARGET_NAMES.some(
    (target) => TARGETS[target].os === os && TARGETS[target].arch === arch && matchesTarget(pattern, target),
  );

function templatesOf(setup: SetupCommand): readonly string[] {
  switch (setup.type) {
    case "execute":
      return [setup.command];
    case "enumerate_and_execute":
      return [setup.command, setup.enumerate.path];
    case "write_file":
      return [setup.content];
    case "chmod":
      return [setup.path];
    default:
      return setup satisfies never;
  }
}

/** Whether a command names a slot: by a placeholder, or by a path that is its target or lies below it. */
function names(template: string, { index, target }: SlotEntry, primarySlot: number): boolean {
  if (template.includes(`{slot:${index}}`)) return true;
  if (index === primarySlot && template.includes("{primary}")) return true;
  if (target === "") return false;
  // Also in the middle of a word, as in `sh -c '…'`.
  const absolute = `{workenv}/${target}`;
  for (let at = template.indexOf(absolute); at >= 0; at = template.indexOf(absolute, at + 1))
    if (!/[\w.+~-]/.test(template.charAt(at + absolute.length))) return true;
  return wordsOf(template).some((word) => word === target || word.startsWith(`${target}/`));
}

/** The words of a command; a text that is none is one word. */
function wordsOf(template: string): readonly string[] {
  try {
    return splitWords(template).map((word) => word.replace(/^\.\//, ""));
  } catch {
    return [template];
  }
}
