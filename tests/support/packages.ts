import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildRequest, type BuildResult, build } from "../../builder/build.ts";
import { signerOfPair } from "../../builder/signing/signer.ts";
import type { SlotInput } from "../../builder/slot-input.ts";
import { type ByteSource, memorySource } from "../../format/io/byte-source.ts";
import { keyPairFromText } from "../../format/seal/keys.ts";
import { FORMAT_NAME } from "../../format/spec.ts";
import type { Bytes } from "../../format/types.ts";
import { tempDir } from "./temp-dir.ts";

/** What differs from the smallest package that there is: no slots, a stub for a launcher, `true` for a command. */
export interface Recipe {
  readonly about?: Partial<BuildRequest["about"]>;
  readonly slots?: readonly SlotInput[];
  readonly launcher?: Bytes | ByteSource;
  readonly launcherTool?: BuildRequest["launcherTool"];
  readonly keySeed?: string;
  readonly json?: BuildRequest["json"];
  readonly level?: number;
}

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

/** A launcher that starts nothing: for readers its bytes are all the same. */
export const STUB_LAUNCHER: Bytes = utf8("#!/bin/sh\nexit 0\n");

/** What makes the smallest package that there is, verified, with something else in places. */
export const smallRequest = (output: string, more: Partial<BuildRequest> = {}): BuildRequest => ({
  about: {
    format: FORMAT_NAME,
    package: { name: "small", version: "1.0.0" },
    execution: { primarySlot: 0, command: "true", env: {} },
    runtimeEnv: { unset: [], pass: [], map: {}, set: {} },
    workenv: { directories: [], env: {} },
    setupCommands: [],
  },
  slots: [],
  launcher: memorySource(STUB_LAUNCHER, "stub launcher"),
  launcherTool: { tool: "stub", toolVersion: "0" },
  signer: signerOfPair(keyPairFromText("test"), "seed"),
  output,
  json: { operations: "own" },
  verify: true,
  ...more,
});

/** Builds a package with the real builder into `path`. It is not verified: that is what tests are for. */
export const buildInto = (path: string, recipe: Recipe = {}): Promise<BuildResult> => {
  const { about, launcher, keySeed = "test", ...rest } = recipe;
  const small = smallRequest(path);
  return build({
    ...small,
    ...rest,
    about: { ...small.about, ...about },
    ...(launcher === undefined ? {} : { launcher: sourceOf(launcher) }),
    signer: signerOfPair(keyPairFromText(keySeed), "seed"),
    verify: false,
  });
};

const sourceOf = (launcher: Bytes | ByteSource): ByteSource =>
  launcher instanceof Uint8Array ? memorySource(launcher, "stub launcher") : launcher;

/** The bytes of a package made by the real builder. */
export async function packageBytes(recipe: Recipe = {}): Promise<Bytes> {
  using dir = tempDir();
  const path = join(dir.path, "small.psp");
  await buildInto(path, recipe);
  return new Uint8Array(readFileSync(path));
}

/** A slot that is one file. */
export const fileSlot = (id: string, content: Bytes | string, rest: Partial<SlotInput> = {}): SlotInput => ({
  id,
  source: `src/${id}`,
  target: `share/${id}`,
  data: { kind: "bytes", bytes: typeof content === "string" ? utf8(content) : content },
  purpose: "data",
  lifecycle: "runtime",
  ...rest,
});

/** A slot that is a folder, whole. */
export const treeSlot = (id: string, root: string, rest: Partial<SlotInput> = {}): SlotInput => ({
  ...fileSlot(id, ""),
  target: id,
  data: { kind: "tree", root, include: [], exclude: [], mtimes: "zero" },
  ...rest,
});

/** The slot that stands for the package itself. */
export const selfSlot = (id: string, rest: Partial<SlotInput> = {}): SlotInput => ({
  ...fileSlot(id, ""),
  source: "$SELF",
  data: { kind: "self" },
  ...rest,
});
