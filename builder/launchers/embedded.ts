/** A bundle file as it is written into a compiled `flavor`. */
export interface EmbeddedFile {
  readonly name: string;
  readonly base64: string;
}

/** The bundle of the launcher. Empty in the sources; `compileCli` puts another text in the place of this file. */
export const EMBEDDED_BUNDLE: readonly EmbeddedFile[] = [];

/** That other text. */
export const embeddedSource = (files: readonly EmbeddedFile[]): string =>
  `export const EMBEDDED_BUNDLE = ${JSON.stringify(files)};`;
