import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { PspfError } from "../format/errors.ts";
import { doing } from "../format/io/fs.ts";
import { type ByteSource, memorySource, openFileSource } from "../format/io/byte-source.ts";
import { matchesTarget, TARGETS, type Target } from "../format/platform.ts";
import { FLAVOR_VERSION, FORMAT_NAME } from "../format/spec.ts";
import type { BuildFacts, LauncherFacts } from "../format/wire/metadata-types.ts";
import { type BuildResult, build } from "./build.ts";
import { checkCompatible } from "./compat.ts";
import { ensureLauncher } from "./launchers/cache.ts";
import { hostTarget } from "./launchers/host.ts";
import type { Manifest, ManifestSlot } from "./manifest/manifest.ts";
import { TOOL } from "./metadata-json.ts";
import { chooseSigner, type KeyChoice, type Signer } from "./signer.ts";
import type { SlotInput } from "./slot-input.ts";
import { type Templates, templatesFor } from "./slot-references.ts";

export interface PackOptions extends KeyChoice {
  /** One package each; the manifest's own list when not given, else the machine's platform. */
  readonly platforms?: readonly Target[];
  /** A file; a folder, or several platforms, name the files themselves. `dist/NAME.psp` when not given. */
  readonly output?: string;
  /** "bun", "shebang" or the path of a launcher; "bun" when not given. */
  readonly launcher?: string;
  /** "flavorpack": only what FlavorPack's own launchers can run. */
  readonly compat?: "flavorpack";
  readonly level?: number;
  /** On by default: every package is read and verified before it gets its name. */
  readonly verify?: boolean;
  /** Seconds since 1970 of the build timestamp, as SOURCE_DATE_EPOCH gives it. */
  readonly sourceDateEpoch?: number;
  /** Told before each step that may take long. */
  readonly onProgress?: (step: string) => void;
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
  const signer = chooseSigner(options);
  const plans = targets.map((target) => planFor(manifest, target, targets.length, options));
  const packed: Packed[] = [];
  for (const plan of plans) {
    options.onProgress?.(`packing ${manifest.package.name} for ${plan.target}`);
    packed.push(await packOne(manifest, plan, signer, options));
  }
  return packed;
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
  return {
    target,
    output: outputFor(manifest, target, count, options.output),
    slots,
    templates: templatesFor(manifest, included, target),
  };
}

async function packOne(
  manifest: Manifest,
  { target, output, slots, templates }: TargetPlan,
  signer: Signer,
  options: PackOptions,
): Promise<Packed> {
  using launcher = await openLauncher(options.launcher ?? manifest.launcher ?? "bun", target, options);
  doing("create", dirname(output), () => mkdirSync(dirname(output), { recursive: true }));
  const result = await build({
    about: {
      format: FORMAT_NAME,
      package: manifest.package,
      ...templates,
      runtimeEnv: manifest.runtimeEnv,
      ...(manifest.cacheValidation === undefined ? {} : { cacheValidation: manifest.cacheValidation }),
      build: buildFacts(target, options.sourceDateEpoch),
    },
    slots,
    launcher: launcher.source,
    launcherTool: launcher.tool,
    seed: signer.seed,
    output,
    json: { operations: options.compat === "flavorpack" ? "flavorpack" : "own" },
    ...(options.level === undefined ? {} : { level: options.level }),
    verify: options.verify ?? true,
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

/** What a package says of its build. Nothing of it depends on the machine or on the time, so equal input gives equal
 * bytes; who wants a time sets SOURCE_DATE_EPOCH. */
const DEFAULT_EPOCH = Date.UTC(2025, 0, 1) / 1000;

const buildFacts = (target: Target, epoch = DEFAULT_EPOCH): BuildFacts => ({
  ...TOOL,
  timestamp: new Date(epoch * 1000).toISOString().replace(".000Z", "+00:00"),
  deterministic: true,
  platform: { os: TARGETS[target].os, arch: TARGETS[target].arch, host: "deterministic-build" },
});

interface OpenLauncher extends Disposable {
  readonly source: ByteSource;
  readonly tool: Pick<LauncherFacts, "tool" | "toolVersion">;
}

const SHEBANG = "#!/usr/bin/env -S flavor run\n";

async function openLauncher(choice: string, target: Target, options: PackOptions): Promise<OpenLauncher> {
  if (choice === "shebang") {
    const source = memorySource(new TextEncoder().encode(SHEBANG), "the shebang launcher");
    return {
      source,
      tool: { tool: "flavor-shebang", toolVersion: FLAVOR_VERSION },
      [Symbol.dispose]: () => {},
    };
  }
  if (choice === "bun") {
    options.onProgress?.(`making sure of the launcher for ${target}`);
    const source = openFileSource((await ensureLauncher(target)).path);
    return {
      source,
      tool: { tool: `flavor-launcher-${target}`, toolVersion: FLAVOR_VERSION },
      [Symbol.dispose]: () => source[Symbol.dispose](),
    };
  }
  const source = openFileSource(choice);
  return {
    source,
    tool: { tool: "external", toolVersion: "unknown" },
    [Symbol.dispose]: () => source[Symbol.dispose](),
  };
}

/** Where the package for one platform goes. */
export function outputFor(
  manifest: Pick<Manifest, "directory" | "package">,
  target: Target,
  count: number,
  output?: string,
): string {
  const name = manifest.package.name;
  const isFolder =
    output !== undefined && (/[/\\]$/.test(output) || (existsSync(output) && statSync(output).isDirectory()));
  const file =
    output === undefined
      ? join(manifest.directory, "dist", `${name}.psp`)
      : isFolder
        ? join(output, `${name}.psp`)
        : output;
  // The "2" of app-1.2 is no extension.
  const extension = /\.[a-z]+$/i.exec(file)?.[0] ?? "";
  const stem = extension === "" ? file : file.slice(0, -extension.length);
  const suffix = count > 1 ? `-${target}` : "";
  // Windows starts nothing that does not end so.
  const ending = TARGETS[target].os === "windows" ? ".exe" : extension;
  const path = resolve(`${stem}${suffix}${ending}`);
  if (existsSync(path) && statSync(path).isDirectory())
    throw new PspfError("io-failed", `Cannot write ${path}: it is a folder`, {
      hint: "name a file with --output",
    });
  return path;
}
