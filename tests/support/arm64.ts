import { existsSync } from "node:fs";

/** A way to run Linux arm64 programs on this machine, or the reason why there is none. */
export type Arm64 =
  | { readonly how: "native" | "kernel" | "emulator"; command(program: string, ...args: string[]): string[] }
  | { readonly how: "not at all"; readonly why: string };

const QEMU = "/usr/bin/qemu-aarch64-static";
/** Where Debian's libc6-arm64-cross has the loader and libraries that an arm64 program asks for. */
const LIBRARIES = "/usr/aarch64-linux-gnu";

/** The first 20 bytes of an arm64 ELF executable and which of their bits count, as binfmt_misc reads them. */
const MAGIC = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
const MASK = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;

/**
 * In a user namespace of its own a Linux 6.7 has a binfmt_misc of its own: no privilege is needed and nothing outside
 * changes. There the kernel starts arm64 programs itself, so that execve from one to another works.
 */
const IN_NAMESPACE = `mount -t binfmt_misc none /proc/sys/fs/binfmt_misc &&
printf %s ':arm64:M::${MAGIC}:${MASK}:${QEMU}:F' > /proc/sys/fs/binfmt_misc/register && exec "$@"`;

const kernelCommand = (...command: string[]): string[] => [
  ...["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", IN_NAMESPACE, "sh"],
  ...["env", `QEMU_LD_PREFIX=${LIBRARIES}`, ...command],
];

/**
 * Finds out how arm64 programs run here. "emulator" runs one program only: the loader stays unknown to the kernel, so
 * it can execve scripts and programs of this machine, but no other arm64 program.
 */
export function findArm64(): Arm64 {
  if (process.platform !== "linux") return { how: "not at all", why: "this is not Linux" };
  if (process.arch === "arm64") return { how: "native", command: (...command) => command };
  if (!existsSync(QEMU)) return { how: "not at all", why: `there is no ${QEMU} (qemu-user-static)` };
  if (!existsSync(LIBRARIES))
    return { how: "not at all", why: `there is no ${LIBRARIES} (libc6-arm64-cross)` };
  if (succeeds(kernelCommand("true"))) return { how: "kernel", command: kernelCommand };
  return { how: "emulator", command: (...command) => [QEMU, "-L", LIBRARIES, ...command] };
}

function succeeds(command: string[]): boolean {
  try {
    return Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
  } catch {
    return false; // there is no unshare
  }
}
