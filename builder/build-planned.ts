import { PspfError } from "../format/errors.ts";
import { type ByteSource, memorySource, openFileSource } from "../format/io/byte-source.ts";
import { TARGETS, type Target } from "../format/platform.ts";
import { FLAVOR_VERSION, FORMAT_NAME } from "../format/spec.ts";
import { sha256Hex } from "../format/wire/hashes.ts";
import { parseMetadata } from "../format/wire/metadata.ts";
import type { BuildFacts, LauncherFacts } from "../format/wire/metadata-types.ts";
import { type BuildRequest, type BuildResult, build } from "./build.ts";
import { checkCompatible } from "./compat.ts";
import { ensureLauncher } from "./launchers/cache.ts";
import { encodeMetadata, TOOL } from "./metadata-json.ts";
import { type PackagePlan, type PackageSettings, wrongSettings } from "./package-plan.ts";
import { chooseSigner, type KeyChoice } from "./signer.ts";

/** How a builder writes its package; the package means the same whatever is chosen. */
export interface BuilderOptions {
  /** Compression level of every slot; absent, each codec's usual one. */
  readonly level?: number;
  /** On by default: the package is read and verified before it gets its name. */
  readonly verify?: boolean;
  /** "flavorpack": only what FlavorPack's own launchers can run. */
  readonly compat?: "flavorpack";
  /** Seconds since 1970 of the build timestamp; the start of 2025 when not given, so that equal input gives equal bytes. */
  readonly sourceDateEpoch?: number;
}

/** Everything that a build needs. */
export interface PlannedBuild extends BuilderOptions {
  readonly plan: PackagePlan;
  readonly settings: PackageSettings;
  readonly target: Target;
  readonly key: KeyChoice;
  /** Its folder exists. */
  readonly output: string;
}

/** Writes the package of a plan. */
export async function buildPlanned(request: PlannedBuild): Promise<BuildResult> {
  const { plan, settings, key, output, level } = request;
  const about = aboutOf(request);
  const json = {
    operations: request.compat === "flavorpack" ? "flavorpack" : "own",
    extra: settings.metadata,
  } as const;
  checkReadable(about, json);
  if (request.compat === "flavorpack") checkCompatible(plan.manifest, plan.slots);
  const { seed } = chooseSigner(key);
  using launcher = await openLauncher(request);
  return await build({
    about,
    slots: plan.slots,
    launcher: launcher.source,
    launcherTool: launcher.tool,
    seed,
    output,
    json,
    ...(level === undefined ? {} : { level }),
    verify: request.verify ?? true,
  });
}

function aboutOf({ plan, target, sourceDateEpoch }: PlannedBuild): BuildRequest["about"] {
  const { package: about, execution, runtimeEnv, workenv, setupCommands, cacheValidation } = plan.manifest;
  return {
    format: FORMAT_NAME,
    package: about,
    execution,
    runtimeEnv,
    workenv,
    setupCommands,
    ...(cacheValidation === undefined ? {} : { cacheValidation }),
    build: buildFacts(target, sourceDateEpoch),
  };
}

const DEFAULT_EPOCH = Date.UTC(2025, 0, 1) / 1000;

const buildFacts = (target: Target, epoch = DEFAULT_EPOCH): BuildFacts => ({
  ...TOOL,
  timestamp: new Date(epoch * 1000).toISOString().replace(".000Z", "+00:00"),
  deterministic: true,
  platform: { os: TARGETS[target].os, arch: TARGETS[target].arch, host: "deterministic-build" },
});

/** Members that the caller added may be such that readers refuse them; better now than when all is written. */
function checkReadable(about: BuildRequest["about"], json: BuildRequest["json"]): void {
  try {
    parseMetadata(encodeMetadata({ ...about, slots: [], launcher: ANY_LAUNCHER }, json));
  } catch (error) {
    if (!(error instanceof PspfError)) throw error;
    throw wrongSettings(error.problems.length > 0 ? error.problems : [error.message]);
  }
}

const ANY_LAUNCHER: LauncherFacts = { tool: "", toolVersion: "", size: 0, checksum: sha256Hex("") };

interface OpenLauncher extends Disposable {
  readonly source: ByteSource;
  readonly tool: Pick<LauncherFacts, "tool" | "toolVersion">;
}

async function openLauncher({ settings, target }: PlannedBuild): Promise<OpenLauncher> {
  const { launcher } = settings;
  const external = { tool: "external", toolVersion: "unknown" };
  if (launcher instanceof Uint8Array)
    return { source: memorySource(launcher, "the launcher"), tool: external, [Symbol.dispose]: () => {} };
  if (typeof launcher === "object") return { source: launcher, tool: external, [Symbol.dispose]: () => {} };
  const source = openFileSource(launcher ?? (await ensureLauncher(target)).path);
  const own = { tool: `flavor-launcher-${target}`, toolVersion: FLAVOR_VERSION };
  return {
    source,
    tool: launcher === undefined ? own : external,
    [Symbol.dispose]: () => source[Symbol.dispose](),
  };
}
