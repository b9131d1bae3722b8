import { PspfError } from "../../format/errors.ts";
import { type ByteSource, streamRange } from "../../format/io/byte-source.ts";
import { TARGET_NAMES, type Target } from "../../format/platform.ts";
import { FLAVOR_VERSION } from "../../format/spec.ts";
import type { Bytes, Sha256 } from "../../format/types.ts";
import type { Verification } from "../../format/verify.ts";
import { sha256Stream } from "../../format/wire/hashes.ts";
import { SHEBANG } from "../launcher-choice.ts";
import { ensureLauncher, type LauncherOptions, launcherNotes } from "./cache.ts";
import { EXECUTABLE_HEAD_SIZE, executableKind, runsOn } from "./executable-kind.ts";
import { elfInterpreter, hostTarget } from "./host.ts";

/** Where the launcher of a package comes from. */
export type LauncherOrigin =
  | { readonly origin: "this version"; readonly target: Target | "shebang" }
  /** Nothing that this version of flavor makes has these bytes; `claimed` is what the metadata say it is nevertheless. */
  | { readonly origin: "other"; readonly claimed?: Target }
  /** It may be one for `target`, of which none is here to compare it with. */
  | { readonly origin: "unknown"; readonly target: Target };

/**
 * Says whether the launcher of a package is byte for byte one that this version of flavor makes: compared with those that
 * are here, and with one for this machine, which is made if the package says that it has it. Undefined without a package.
 */
export async function launcherOrigin(
  { package: pkg, checks }: Verification,
  options: LauncherOptions = {},
): Promise<LauncherOrigin | undefined> {
  if (pkg === undefined) return undefined;
  const { source, index, metadata } = pkg;
  const { size } = index.launcher;
  const facts = metadata.launcher;
  const isVerified = facts !== undefined && checks.some(({ name, ok }) => name === "launcher" && ok);
  const head = await source.read(0, Math.min(size, EXECUTABLE_HEAD_SIZE));
  if (new TextDecoder().decode(head) === SHEBANG) return { origin: "this version", target: "shebang" };
  const claimed = claimedTarget(facts?.tool, facts?.toolVersion);
  const targets = targetsOf(head).toSorted((a, b) => Number(b === claimed) - Number(a === claimed));
  const [first] = targets;
  if (first === undefined) return { origin: "other" };
  const digest = isVerified ? facts.checksum : await digestOf(source, size);
  try {
    const noted = await launcherNotes(options);
    const missing: Target[] = [];
    for (const target of targets) {
      const own = noted(target) ?? (target === claimed ? await madeHere(target, options) : undefined);
      if (own === digest) return { origin: "this version", target };
      if (own === undefined) missing.push(target);
    }
    if (claimed !== undefined && !missing.includes(claimed)) return { origin: "other", claimed };
    return missing[0] === undefined ? { origin: "other" } : { origin: "unknown", target: missing[0] };
  } catch (error) {
    // Not even the sources of a launcher are here.
    if (!(error instanceof PspfError)) throw error;
    return { origin: "unknown", target: first };
  }
}

/** The target that a package's metadata names, if they name this version. */
const claimedTarget = (tool: string | undefined, version: string | undefined): Target | undefined =>
  version === FLAVOR_VERSION
    ? TARGET_NAMES.find((target) => tool === `flavor-launcher-${target}`)
    : undefined;

/** The targets whose launchers begin so. */
function targetsOf(head: Bytes): readonly Target[] {
  const kind = executableKind(head);
  const isMusl = elfInterpreter(head)?.includes("/ld-musl-") === true;
  return TARGET_NAMES.filter((target) => runsOn(kind, target) && target.endsWith("-musl") === isMusl);
}

/** The digest of a launcher that can be made without a network: that for this machine. */
const madeHere = async (target: Target, options: LauncherOptions): Promise<Sha256 | undefined> =>
  target === hostTarget() ? (await ensureLauncher(target, options)).sha256 : undefined;

async function digestOf(source: ByteSource, size: number): Promise<Sha256> {
  const hash = sha256Stream();
  for await (const piece of streamRange(source, 0, size, "passing")) hash.update(piece);
  return hash.hex();
}
