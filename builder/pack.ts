import { statSync } from "node:fs";
import type { Level } from "../format/codecs/codec.ts";
import { PspfError } from "../format/errors.ts";
import { doing } from "../format/io/fs.ts";
import type { Progress } from "../format/progress/progress.ts";
import { matchesTarget, type Target } from "../format/platform.ts";
import { FORMAT_NAME } from "../format/spec.ts";
import type { Statement } from "../format/trust/statement.ts";
import { toHex } from "../format/wire/hashes.ts";
import { type BuildRequest, type BuildResult, build } from "./build.ts";
import { buildFacts } from "./build-facts.ts";
import { checkCompatible } from "./compat.ts";
import { openLauncher } from "./launcher-choice.ts";
import { buildLaunchers, findLauncher } from "./launchers/cache.ts";
import { hostTarget } from "./launchers/host.ts";
import type { Manifest, ManifestSlot } from "./manifest/manifest.ts";
import { checkNotPacked, outputFor } from "./output-path.ts";
import type { KeyChoice } from "./signing/key-choice.ts";
import { type Signer, signerFrom } from "./signing/signer.ts";
import { openSlotCache } from "./slot-cache/slot-cache.ts";
import type { SlotInput } from "./slot-input.ts";
import { type Templates, templatesFor } from "./slot-references.ts";
import { type StatementChoice, statementsFor } from "./trust/package-statements.ts";

export interface PackOptions extends KeyChoice, StatementChoice {
  /** One package each; the manifest's own list when not given, else the machine's platform. */
  readonly platforms?: readonly Target[];
  /** A file; a folder, or several platforms, name the files themselves. `dist/NAME.psp` when not given. */
  readonly output?: string;
  /** "bun", "shebang" or the path of a launcher; "bun" when not given. */
  readonly launcher?: string;
  /** "flavorpack": only what FlavorPack's own launchers can run. */
  readonly compat?: "flavorpack";
  readonly level?: Level;
  /** On by default: every package is read and verified before it gets its name. */
  readonly verify?: boolean;
  /** Seconds since 1970 of the build timestamp, as SOURCE_DATE_EPOCH gives it. */
  readonly sourceDateEpoch?: number;
  /** Told how long steps get on. */
  readonly progress?: Progress | undefined;
  /** The folder of the build cache, as `buildCacheDir` gives it; none when not given. */
  readonly buildCache?: string | undefined;
  /** Told of each slot whether it comes from the build cache, and if not, why it was made again. */
  readonly explain?: BuildRequest["explain"];
}

export interface Packed extends BuildResult {
  readonly target: Target;
  readonly signer: Signer;
}

/** Builds a package for each platform. A package that fails leaves those before it in their place. */
export async function packManifest(
  manifest: Manifest,
  options: PackOptions = {},
): Promise<readonly Packed[]> {
  const targets = [...new Set(options.platforms ?? manifest.platforms ?? [hostTarget()])];
  const signer = await signerFrom(options);
  const { name } = manifest.package;
  const statements = await statementsFor({ name, signer: toHex(signer.publicKey) }, options);
  const plans = targets.map((target) => planFor(manifest, target, targets.length, options));
  const packed: Packed[] = [];
  for (const plan of plans) packed.push(await packOne(manifest, plan, { signer, statements }, options));
  return packed;
}

/** Who signs, and what earlier keys have said about that. */
interface Signing {
  readonly signer: Signer;
  readonly statements: readonly Statement[];
}

/** What differs between the packages of one manifest. */
interface TargetPlan {
  readonly target: Target;
  readonly output: string;
  readonly slots: readonly SlotInput[];
  readonly templates: Templates;
}

/** Made for all platforms before the first package is, so that a mistake costs no time. */
function planFor(manifest: Manifest, target: Target, count: number, options: PackOptions): TargetPlan {
  const included = manifest.slots.filter(
    ({ platform }) => platform === undefined || matchesTarget(platform, target),
  );
  const slots = included.map((slot) => toInput(slot));
  if (options.compat === "flavorpack") checkCompatible(manifest, slots);
  const output = outputFor(manifest, target, count, options.output);
  checkNotPacked(output, slots);
  return {
    target,
    output,
    slots,
    templates: templatesFor(manifest, included, target),
  };
}

/** That our launcher is damaged is noticed when it is packed: it is built again then, and so is the package. */
async function packOne(
  manifest: Manifest,
  plan: TargetPlan,
  signing: Signing,
  options: PackOptions,
): Promise<Packed> {
  const choice = options.launcher ?? manifest.launcher ?? "bun";
  try {
    return await packWith(choice, manifest, plan, signing, options);
  } catch (error) {
    const isDamaged = error instanceof PspfError && error.code === "launcher-checksum-mismatch";
    if (choice !== "bun" || !isDamaged) throw error;
    options.progress?.begin(`making the launcher for ${plan.target} again`);
    await buildLaunchers([plan.target], { force: true });
    return await packWith(choice, manifest, plan, signing, options);
  }
}

async function packWith(
  choice: string,
  manifest: Manifest,
  { target, output, slots, templates }: TargetPlan,
  { signer, statements }: Signing,
  options: PackOptions,
): Promise<Packed> {
  if (choice === "bun") options.progress?.begin(`making sure of the launcher for ${target}`);
  using launcher = await openLauncher(choice, target, findLauncher);
  const result = await build({
    about: {
      format: FORMAT_NAME,
      package: manifest.package,
      ...templates,
      runtimeEnv: manifest.runtimeEnv,
      ...(manifest.cacheValidation === undefined ? {} : { cacheValidation: manifest.cacheValidation }),
      build: buildFacts(target, options.sourceDateEpoch),
      isAnonymous: signer.origin === "ephemeral",
      ...(statements.length === 0 ? {} : { statements }),
    },
    slots,
    launcher: launcher.source,
    launcherFile: launcher.file,
    launcherTool: launcher.tool,
    signer,
    output,
    json: { operations: options.compat === "flavorpack" ? "flavorpack" : "own" },
    ...(options.level === undefined ? {} : { level: options.level }),
    verify: options.verify ?? true,
    progress: options.progress,
    cache: options.buildCache === undefined ? undefined : openSlotCache(options.buildCache),
    explain: options.explain,
  });
  return { ...result, target, signer };
}

function toInput(slot: ManifestSlot): SlotInput {
  const { id, sourceText, target, purpose, lifecycle, operations, permissions, resolution, platform } = slot;
  return {
    id,
    source: sourceText,
    target,
    purpose,
    lifecycle,
    data: dataOf(slot),
    ...(operations === undefined ? {} : { operations }),
    ...(permissions === undefined ? {} : { permissions }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(platform === undefined ? {} : { platform }),
  };
}

function dataOf({ source, include, exclude, mtimes }: ManifestSlot): SlotInput["data"] {
  if (source === "$SELF") return { kind: "self" };
  if (!doing("look at", source, () => statSync(source)).isDirectory()) return { kind: "file", path: source };
  return { kind: "tree", root: source, include, exclude, mtimes: mtimes ? "keep" : "zero" };
}
