import { posix, win32 } from "node:path";

/** Where this user, and the machine's owner, have said whom they trust. */
export interface TrustPlaces {
  /** Undefined where no variable names a home. */
  readonly userStore: string | undefined;
  readonly systemStore: string;
  readonly policy: string;
  /** The folder of what first uses have left: one file for each name of a package. */
  readonly memory: string | undefined;
}

export interface TrustPlaceFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly windows: boolean;
}

/** The environment must not move what the machine's owner has written. */
const SYSTEM = { posix: "/etc/flavor", windows: "C:\\ProgramData\\flavor" } as const;

/** The files of trust for a process. Variables that are not absolute paths are ignored. */
export function trustPlaces({ env, windows }: TrustPlaceFacts): TrustPlaces {
  const { isAbsolute, join } = windows ? win32 : posix;
  const named = (name: string): string | undefined => {
    const value = env[name];
    return value !== undefined && isAbsolute(value) ? value : undefined;
  };
  const inHome = (...path: readonly string[]): string | undefined => {
    const home = named(windows ? "USERPROFILE" : "HOME");
    return home === undefined ? undefined : join(home, ...path);
  };
  const config = windows
    ? (named("APPDATA") ?? inHome("AppData", "Roaming"))
    : (named("XDG_CONFIG_HOME") ?? inHome(".config"));
  const state = windows
    ? (named("LOCALAPPDATA") ?? inHome("AppData", "Local"))
    : (named("XDG_STATE_HOME") ?? inHome(".local", "state"));
  const system = windows ? SYSTEM.windows : SYSTEM.posix;
  return {
    userStore: config && join(config, "flavor", "trust.json"),
    systemStore: join(system, "trust.json"),
    policy: join(system, "policy.json"),
    memory: state && join(state, "flavor", "known"),
  };
}
