import { dlopen } from "bun:ffi";
import { CHANNEL, type Environment } from "../format/command/environment.ts";
import { libraryNames } from "../format/io/libc.ts";

/**
 * The environment with the variables of the channel to a parent that forked this process. Bun takes them out, because it
 * believes to be the one they are for; but it reads from the channel only when somebody listens, so that all that comes
 * reaches the application.
 */
export function withChannel(env: Environment): Environment {
  const given = { ...env };
  for (const name of CHANNEL) {
    const value = original(name);
    if (value !== undefined) given[name] = value;
  }
  return given;
}

/** A variable as the C library has it; undefined where there is none, or no library that can be called. */
function original(name: string): string | undefined {
  if (process.platform === "win32") return undefined;
  const key = new TextEncoder().encode(`${name}\0`);
  for (const library of libraryNames()) {
    try {
      const { symbols } = dlopen(library, { getenv: { args: ["buffer"], returns: "cstring" } });
      return symbols.getenv(key)?.toString();
    } catch {
      // the next name
    }
  }
  return undefined;
}
