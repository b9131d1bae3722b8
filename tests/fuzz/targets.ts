import type { Target } from "./target.ts";
import { CODEC_TARGETS } from "./targets/codecs.ts";
import { DOCUMENT_TARGETS } from "./targets/documents.ts";
import { NOTE_TARGETS } from "./targets/notes.ts";
import { PACKAGE_TARGETS } from "./targets/package.ts";
import { TAR_TARGETS } from "./targets/tar.ts";
import { TRUST_TARGETS } from "./targets/trust.ts";
import { WORD_TARGETS } from "./targets/words.ts";

/** Every parser of bytes and texts that somebody else has made. A parser joins with one more row here. */
export const TARGETS: readonly Target[] = [
  ...PACKAGE_TARGETS,
  ...CODEC_TARGETS,
  ...TAR_TARGETS,
  ...DOCUMENT_TARGETS,
  ...WORD_TARGETS,
  ...NOTE_TARGETS,
  ...TRUST_TARGETS,
];
