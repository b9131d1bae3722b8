import { PspfError } from "../format/errors.ts";
import { formatOperations } from "../format/wire/operations.ts";
import { operationsOf } from "./encode-slot.ts";
import type { Manifest } from "./manifest/manifest.ts";
import type { SlotInput } from "./slot-input.ts";

/** Chains that FlavorPack's Go and Rust launchers can undo. */
const RUNNABLE = ["raw", "tar", "gzip", "tar|gzip"];
/** The Rust launcher takes the 124th descriptor for JSON. */
const MAX_SLOTS = 123;
const UNKNOWN_THERE = /\{(?:slot:\d+|primary|os|arch|platform|bun)\}/g;

/** Refuses what FlavorPack's own launchers cannot run, all of it at once. */
export function checkCompatible(manifest: Pick<Manifest, "execution">, slots: readonly SlotInput[]): void {
  const problems = slots.flatMap((slot, i) => {
    const operations = formatOperations(operationsOf(slot));
    const at = `slots[${i}] (${slot.id})`;
    const found: string[] = [];
    if (!RUNNABLE.includes(operations))
      found.push(`${at}: operations "${operations}", only ${RUNNABLE.join(", ")} run`);
    if (slot.data.kind === "self") found.push(`${at}: the Go launcher crashes on $SELF`);
    if (operationsOf(slot).includes("TAR") && slot.target.includes("/"))
      found.push(`${at}: an archive's target must have one part, got "${slot.target}"`);
    return found;
  });
  if (slots.length > MAX_SLOTS) problems.push(`slots: ${slots.length}, at most ${MAX_SLOTS} run`);
  const placeholders = manifest.execution.command.match(UNKNOWN_THERE) ?? [];
  for (const placeholder of new Set(placeholders))
    problems.push(`execution.command: ${placeholder} is not known there`);
  if (problems.length === 0) return;
  throw new PspfError("build-failed", "Cannot build a package for FlavorPack's own launchers", {
    problems,
    hint: "without --compat flavorpack, flavor's launcher runs all of it",
  });
}
