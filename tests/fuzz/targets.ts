import type { Target } from "./target.ts";
import { CODEC_TARGETS } from "./targets/codecs.ts";
import { strictJson } from "./targets/json.ts";
import { MANIFEST_TARGETS } from "./targets/manifests.ts";
import { metadata } from "./targets/metadata.ts";
import { NOTE_TARGETS } from "./targets/notes.ts";
import { PACKAGE_TARGETS } from "./targets/package.ts";
import { TAR_TARGETS } from "./targets/tar.ts";
import { TRUST_TARGETS } from "./targets/trust.ts";
import { WORD_TARGETS } from "./targets/words.ts";

/** Every parser of bytes and texts that somebody else has made. */
export const TARGETS: readonly Target[] = [
  ...PACKAGE_TARGETS,
  ...CODEC_TARGETS,
  ...TAR_TARGETS,
  strictJson,
  metadata,
  ...MANIFEST_TARGETS,
  ...WORD_TARGETS,
  ...NOTE_TARGETS,
  ...TRUST_TARGETS,
];
