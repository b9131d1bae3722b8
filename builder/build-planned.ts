import type { Level } from "../format/codecs/codec.ts";
import { PspfError } from "../format/errors.ts";
import type { Target } from "../format/platform.ts";
import { FORMAT_NAME } from "../format/spec.ts";
import { sha256Hex, toHex } from "../format/wire/hashes.ts";
import { parseMetadata } from "../format/wire/metadata.ts";
import type { LauncherFacts } from "../format/wire/metadata-types.ts";
import { type BuildRequest, type BuildResult, build } from "./build.ts";
import { buildFacts } from "./build-facts.ts";
import { checkCompatible } from "./compat.ts";
import { openLauncher } from "./launcher-choice.ts";
import { encodeMetadata } from "./metadata-json.ts";
import { type PackagePlan, type PackageSettings, wrongSettings } from "./package-plan.ts";
import type { KeyChoice } from "./signing/key-choice.ts";
import { signerFrom } from "./signing/signer.ts";
import { type StatementChoice, statementsFor } from "./trust/package-statements.ts";

/** How a builder writes its package; the package means the same whatever is chosen. */
export interface BuilderOptions extends Pick<StatementChoice, "statements"> {
  /** Compression level of every slot; absent, each codec's usual one. */
  readonly level?: Level;
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
  const signer = await signerFrom(key);
  const signed = { name: about.package.name, signer: toHex(signer.publicKey) };
  const statements = await statementsFor(signed, request);
  using launcher = await openLauncher(settings.launcher ?? "bun", request.target);
  return await build({
    about: {
      ...about,
      isAnonymous: signer.origin === "ephemeral",
      ...(statements.length === 0 ? {} : { statements }),
    },
    slots: plan.slots,
    launcher: launcher.source,
    launcherFile: launcher.file,
    launcherTool: launcher.tool,
    signer,
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
