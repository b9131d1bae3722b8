import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { buildFacts } from "../../builder/build-facts.ts";
import { hostTarget } from "../../builder/launchers/host.ts";
import type { ByteSource } from "../../format/io/byte-source.ts";
import { keyPairFromText } from "../../format/seal/keys.ts";
import { TRAILER_SIZE } from "../../format/spec.ts";
import type { Bytes } from "../../format/types.ts";
import { decodeIndex } from "../../format/wire/index-block.ts";
import { readIndexBlock } from "../../format/wire/read-index.ts";
import { buildInto, fileSlot, selfSlot } from "../support/packages.ts";

/** A package without its launcher: all that is behind it, and how large it is. So few bytes can be changed quickly. */
export interface Victim {
  readonly launcherSize: number;
  readonly tail: Bytes;
}

/** Who may have signed: the text is the one that `keyPairFromText` makes their key of. */
export const AUTHOR = "the author of the victim";
export const STRANGER = "somebody else";
export const authorKey = keyPairFromText(AUTHOR).publicKey;

/** What the victim says when it is started. */
export const ANSWER = "it runs\n";

/** Slots of the victim, by their positions. */
export const SLOT = { script: 0, note: 1, conf: 2, old: 3, twice: 4, self: 5 } as const;

/** Builds an honest package that has one of everything that metadata can say. */
export async function buildVictim(path: string, launcher: Bytes | ByteSource): Promise<void> {
  await buildInto(path, {
    keySeed: AUTHOR,
    launcher,
    about: {
      package: { name: "victim", version: "1.0.0", description: "an honest package" },
      build: buildFacts(hostTarget()),
      execution: { primarySlot: 0, command: "{workenv}/bin/run.sh", env: { MODE: "prod" } },
      runtimeEnv: { unset: ["JUNK*"], pass: ["PATH", "HOME"], map: { OLD: "NEW" }, set: { LANG: "C" } },
      workenv: { directories: [{ path: "var", mode: 0o700 }], env: { TMPDIR: "{workenv}/var" } },
      setupCommands: [
        { type: "write_file", path: "{workenv}/var/made", content: "by setup\n", mode: 0o600 },
        { type: "chmod", path: "{workenv}/var/made", mode: 0o640 },
        { type: "execute", command: "true" },
        {
          type: "enumerate_and_execute",
          command: "true",
          enumerate: { path: "{workenv}/var", pattern: "made" },
        },
      ],
      cacheValidation: { checkFile: "{workenv}/var/made", expectedContent: "by setup" },
    },
    slots: [
      fileSlot("script", `#!/bin/sh\necho ${ANSWER}`, {
        target: "bin/run.sh",
        operations: [],
        permissions: 0o755,
      }),
      fileSlot("note", "this note was compressed\n".repeat(20), { operations: ["GZIP"] }),
      fileSlot("conf", "setting=1\n".repeat(20), { operations: ["ZSTD"] }),
      fileSlot("old", "setting=0\n".repeat(20), { operations: ["XZ"] }),
      fileSlot("twice", "twice\n".repeat(20), { operations: ["BZIP2", "GZIP"] }),
      selfSlot("me"),
    ],
  });
}

/** The victim in a package that can be read. */
export async function victimIn(source: ByteSource): Promise<Victim> {
  const launcherSize = Number(decodeIndex(await readIndexBlock(source)).launcherSize);
  return { launcherSize, tail: await source.read(launcherSize, source.size - launcherSize) };
}

/** Puts a victim behind its launcher, which the file already has in front. */
export function writeVictim(path: string, { launcherSize, tail }: Victim): void {
  const fd = openSync(path, "r+");
  try {
    ftruncateSync(fd, launcherSize + tail.length);
    for (let at = 0; at < tail.length;) at += writeSync(fd, tail, at, tail.length - at, launcherSize + at);
  } finally {
    closeSync(fd);
  }
}

/** The victim without its trailer. */
export const bodyOf = ({ tail }: Victim): Bytes => tail.slice(0, tail.length - TRAILER_SIZE);
