import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { exitCodeOf, printable, PspfError, renderError } from "../format/errors.ts";
import { type ByteSource, openFileSource } from "../format/io/byte-source.ts";
import { openTreeWriter } from "../format/io/tree-writer.ts";
import { openPackage, type Package } from "../format/reader.ts";
import { contentSizeOf } from "../format/slot-limit.ts";
import { FLAVOR_VERSION } from "../format/spec.ts";
import { withSignerCheck } from "../format/trust/signer-check.ts";
import { isValid, verifyPackage } from "../format/verify.ts";
import { formatOperations } from "../format/wire/operations.ts";
import { isArchive } from "../format/codecs/chain.ts";
import { extractSlot, fileTarget } from "../format/workenv/unpacking/extract-slot.ts";
import { readMarker } from "../format/workenv/entry.ts";
import { lifecycleOf } from "../format/workenv/lifecycles/lifecycle.ts";
import { isForHost } from "../format/workenv/lifecycles/slot-plan.ts";
import { CLEAN_COMMAND } from "./clean-order.ts";
import type { LauncherOptions } from "./env.ts";
import type { Invocation } from "./invocation.ts";
import { launch } from "./launch.ts";
import { openProgress } from "./progress.ts";
import { ensureWorkenvOf } from "./ready.ts";
import { advisersOf } from "./trust.ts";
import { writeAnswer, writeOut } from "./write-out.ts";

const HELP = `FLAVOR_LAUNCHER_CLI=1 makes a package answer for itself instead of running:

  info                  name, version, slots and command (also without a command)
  verify                structure, seal, signer, launcher and every slot
  metadata              the signed JSON, byte for byte
  extract INDEX DIR     unpacks one slot into a folder
  run [ARGUMENTS...]    runs the application after all
  prepare               unpacks and sets up without running
  unpack ID             puts a slot into the workenv that is unpacked on demand
  help                  this text

With --package FILE in front, all of this is about another file.
`;

/** The launcher's own commands. Returns the exit code. */
export async function runOwnCommand(call: Invocation, options: LauncherOptions): Promise<number> {
  const { name, args, ...target } = parse(call);
  try {
    return await runNamed(name, call, options, { ...target, args });
  } catch (error) {
    // A package that is refused is named, not the launcher that was lent to it.
    writeOut(2, `${renderError(error, basename(target.argv0))}\n`);
    return exitCodeOf(error);
  }
}

async function runNamed(
  name: string,
  call: Invocation,
  options: LauncherOptions,
  { args, ...target }: Pick<Invocation, "package" | "argv0" | "args">,
): Promise<number> {
  if (name === CLEAN_COMMAND) return (await import("./clean-worker.ts")).runCleaning(args);
  // What is started may be a package as well: the variable is not for it.
  const { FLAVOR_LAUNCHER_CLI: _, ...env } = call.env;
  if (name === "run") return launch({ ...call, ...target, env, args }, options);
  if (name === "prepare") {
    const { layout } = await ensureWorkenvOf({ ...call, ...target, env, args }, options);
    return print(`${layout.content}\n`);
  }
  using self = openFileSource(target.package);
  if (name === "unpack")
    return print(await unpackOnDemand(self, args, { ...call, ...target, env, args }, options));
  switch (name) {
    case "info":
      return print(infoText(await openPackage(self)));
    case "metadata":
      return print(new TextDecoder().decode((await openPackage(self)).json));
    case "verify": {
      await using progress = await openProgress({ ...call, ...target });
      progress?.begin("verifying", () => self.size);
      const verified = await verifyPackage(self, undefined, { onBytes: progress?.add });
      progress?.end();
      const result = await withSignerCheck(verified, await advisersOf(call, options));
      const lines = result.checks.map(
        (check) => `${check.ok ? "ok  " : "FAIL"} ${check.name}: ${check.detail}`,
      );
      print(`${lines.join("\n")}\n`);
      return isValid(result) ? 0 : 107;
    }
    case "extract":
      return await extract(await openPackage(self), args, { ...call, ...target });
    case "help":
    case "--help":
      return print(HELP);
    default:
      throw new PspfError(
        "bad-arguments",
        `Cannot do ${JSON.stringify(name)}: there is no such launcher command`,
        {
          hint: "info, verify, metadata, extract, run, prepare, unpack and help are there",
        },
      );
  }
}

/** The command, and the package that it is about. */
function parse(call: Invocation): Pick<Invocation, "package" | "argv0" | "args"> & { readonly name: string } {
  const [first, file] = call.args;
  if (first !== "--package") {
    const [name = "info", ...args] = call.args;
    return { package: call.package, argv0: call.argv0, name, args };
  }
  if (file === undefined) throw new PspfError("bad-arguments", "Cannot use --package: the file is missing");
  const [name = "info", ...args] = call.args.slice(2);
  return { package: file, argv0: file, name, args };
}

function infoText({ metadata, index }: Package): string {
  const { package: about, slots, execution, build } = metadata;
  const operations = [...new Set(slots.map((slot) => formatOperations(slot.operations)))].join(", ");
  const size = (index.fileSize / 2 ** 20).toFixed(1);
  const lines = [
    `${about.name} ${about.version} [PSPF/2025]`,
    `Built with: ${build?.tool ?? "unknown"} | Launcher: flavor ${FLAVOR_VERSION} | Size: ${size} MiB`,
    `Slots: ${slots.length} (${operations || "none"})`,
    "",
    `Run with: ${execution.command}`,
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

async function extract(
  pkg: Package,
  [index, directory]: readonly string[],
  call: Invocation,
): Promise<number> {
  const slot = /^\d+$/.test(index ?? "") ? pkg.slots[Number(index)] : undefined;
  if (index === undefined || directory === undefined)
    throw new PspfError("bad-arguments", "Cannot extract: a slot's index and a folder are needed");
  if (slot === undefined)
    throw new PspfError(
      "slot-not-found",
      `Cannot extract slot ${index}: there are ${pkg.slots.length}, from 0`,
    );
  mkdirSync(directory, { recursive: true });
  await using progress = await openProgress(call);
  progress?.begin("extracting", () => contentSizeOf([slot]));
  using writer = openTreeWriter(directory);
  await extractSlot(pkg.source, slot, writer, { onBytes: progress?.add });
  writer.finish();
  return print(`Extracted slot ${index} (${printable(slot.entry.id)}) to ${directory}\n`);
}

/** Makes sure of a slot in the workenv, which may be in use, and gives its path. */
async function unpackOnDemand(
  self: ByteSource,
  [id]: readonly string[],
  call: Invocation,
  options: LauncherOptions,
): Promise<string> {
  if (id === undefined) throw new PspfError("bad-arguments", "Cannot unpack: the id of a slot is needed");
  const { slots } = await openPackage(self);
  const slot =
    slots.find(({ entry }) => entry.id === id) ?? (/^\d+$/.test(id) ? slots[Number(id)] : undefined);
  if (slot === undefined)
    throw new PspfError("slot-not-found", `Cannot unpack slot ${JSON.stringify(id)}: there is none`, {
      hint: `there are ${slots.map(({ entry }) => entry.id).join(", ")}`,
    });
  const { index, lifecycle, selfRef, platform } = slot.entry;
  const { made, goes } = lifecycleOf(lifecycle);
  if (selfRef || made === "at the end" || goes === "after setup" || !isForHost(platform, call.host))
    throw new PspfError(
      "bad-arguments",
      `Cannot unpack slot ${id}: an application of this package never has it`,
    );
  const { layout } = await ensureWorkenvOf(call, { ...options, demanded: [index] });
  if (readMarker(layout)?.slots.includes(index) !== true)
    throw new PspfError("io-failed", `Cannot unpack slot ${id}: ${layout.cache} cannot be written to`, {
      hint: "set FLAVOR_CACHE to a folder of yours",
    });
  return `${join(layout.content, isArchive(slot.entry.operations) ? slot.entry.target : fileTarget(slot))}\n`;
}

function print(text: string): number {
  writeAnswer(text);
  return 0;
}
