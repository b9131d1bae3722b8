/** The platforms that launchers exist for. `bun` is the name of the target that Bun compiles for. */
export const TARGETS = {
  "linux-x64": { os: "linux", arch: "amd64", bun: "bun-linux-x64" },
  "linux-x64-baseline": { os: "linux", arch: "amd64", bun: "bun-linux-x64-baseline" },
  "linux-x64-musl": { os: "linux", arch: "amd64", bun: "bun-linux-x64-musl" },
  "linux-arm64": { os: "linux", arch: "arm64", bun: "bun-linux-arm64" },
  "linux-arm64-musl": { os: "linux", arch: "arm64", bun: "bun-linux-arm64-musl" },
  "darwin-x64": { os: "darwin", arch: "amd64", bun: "bun-darwin-x64" },
  "darwin-arm64": { os: "darwin", arch: "arm64", bun: "bun-darwin-arm64" },
  "windows-x64": { os: "windows", arch: "amd64", bun: "bun-windows-x64" },
  "windows-arm64": { os: "windows", arch: "arm64", bun: "bun-windows-arm64" },
} as const satisfies Record<string, { os: string; arch: string; bun: string }>;

export type Target = keyof typeof TARGETS;

export const TARGET_NAMES = Object.keys(TARGETS) as readonly Target[];

export const isTarget = (name: string): name is Target => Object.hasOwn(TARGETS, name);

/** The target of the machine that we run on, from Node's names for it; undefined where no launcher exists. */
export function targetOf(platform: string, arch: string, musl = false): Target | undefined {
  const os = platform === "win32" ? "windows" : platform;
  const name = `${os}-${arch}${musl ? "-musl" : ""}`;
  return isTarget(name) ? name : undefined;
}

/**
 * Whether a slot restricted to `pattern` belongs into a package for `target`. A pattern is "any", an operating
 * system ("linux"), or a target; a target without suffix also covers its variants: "linux-x64" covers
 * "linux-x64-musl".
 */
export const matchesTarget = (pattern: string, target: Target): boolean =>
  pattern === "any" || target === pattern || target.startsWith(`${pattern}-`);

/** Whether `matchesTarget` could ever say yes. */
export const isPlatformPattern = (pattern: string): boolean =>
  TARGET_NAMES.some((target) => matchesTarget(pattern, target));
