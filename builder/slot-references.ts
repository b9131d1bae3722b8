import { PspfError } from "../format/errors.ts";
import type { Target } from "../format/platform.ts";
import type { SetupCommand } from "../format/wire/metadata-types.ts";
import { memberPath } from "../format/wire/problems.ts";
import type { Manifest, ManifestSlot } from "./manifest/manifest.ts";

/** The parts of a manifest in which placeholders are filled in. */
export type Templates = Pick<Manifest, "execution" | "workenv" | "setupCommands">;

/**
 * The templates of a manifest for a package that has some of its slots. A manifest counts all slots, a package only
 * its own: `{slot:N}` gets the number that its slot has there. Throws `build-failed` with every `{slot:N}` and
 * `{primary}` whose slot is missing, which would otherwise mean another one.
 */
export function templatesFor(
  manifest: Templates & Pick<Manifest, "slots">,
  included: readonly ManifestSlot[],
  target: Target,
): Templates {
  const problems: string[] = [];
  const { execution, workenv, setupCommands, slots } = manifest;
  const { primarySlot } = execution;

  const renumber: Rewrite = (text, at) =>
    text.replace(REFERENCE, (reference, digits: string | undefined) => {
      const number = digits === undefined ? primarySlot : Number(digits);
      const slot = slots[number];
      const position = slot === undefined ? -1 : included.indexOf(slot);
      if (position === -1) problems.push(`${at}: ${reference} ${missing(slot, slots.length, target)}`);
      return digits === undefined || position === number ? reference : `{slot:${position}}`;
    });

  const templates = {
    execution: {
      primarySlot: Math.max(0, included.indexOf(slots[primarySlot] as ManifestSlot)),
      command: renumber(execution.command, "execution.command"),
      env: rewriteValues(execution.env, "execution.env", renumber),
    },
    workenv: { ...workenv, env: rewriteValues(workenv.env, "workenv.env", renumber) },
    setupCommands: setupCommands.map((setup, i) => rewriteSetup(setup, `setup_commands[${i}]`, renumber)),
  };
  if (problems.length === 0) return templates;
  throw new PspfError("build-failed", `Cannot build the package for ${target}: it lacks slots that it uses`, {
    problems,
    hint: "a path such as {workenv}/bin/tool stands for whatever slot is unpacked there",
  });
}

type Rewrite = (text: string, at: string) => string;

/** What `fillTemplate` takes for a slot. */
const REFERENCE = /\{(?:slot:(\d+)|primary)\}/g;

const missing = (slot: ManifestSlot | undefined, count: number, target: Target): string =>
  slot === undefined
    ? `is no slot, the manifest has ${count}`
    : `is ${JSON.stringify(slot.id)}, a slot for ${slot.platform} and not for ${target}`;

const rewriteValues = (table: Readonly<Record<string, string>>, at: string, rewrite: Rewrite) =>
  Object.fromEntries(
    Object.entries(table).map(([name, value]) => [name, rewrite(value, memberPath(at, name))]),
  );

function rewriteSetup(setup: SetupCommand, at: string, rewrite: Rewrite): SetupCommand {
  switch (setup.type) {
    case "execute":
      return { ...setup, command: rewrite(setup.command, `${at}.command`) };
    case "enumerate_and_execute": {
      const path = rewrite(setup.enumerate.path, `${at}.enumerate.path`);
      return {
        ...setup,
        command: rewrite(setup.command, `${at}.command`),
        enumerate: { ...setup.enumerate, path },
      };
    }
    case "write_file":
      return {
        ...setup,
        path: rewrite(setup.path, `${at}.path`),
        content: rewrite(setup.content, `${at}.content`),
      };
    case "chmod":
      return { ...setup, path: rewrite(setup.path, `${at}.path`) };
    default:
      return setup satisfies never;
  }
}
