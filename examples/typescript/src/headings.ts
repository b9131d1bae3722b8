import GithubSlugger from "github-slugger";
import { marked, type Tokens } from "marked";

export interface Heading {
  /** 1 for the title, 6 for the smallest. */
  readonly level: number;
  readonly text: string;
  /** What a link to it ends with, as GitHub makes it. */
  readonly anchor: string;
}

/** The headings of a Markdown text in their order; a `#` in a block of code is none. */
export function headingsOf(markdown: string): Heading[] {
  const slugger = new GithubSlugger();
  return marked
    .lexer(markdown)
    .filter((token): token is Tokens.Heading => token.type === "heading")
    .map(({ depth, text }) => ({ level: depth, text, anchor: slugger.slug(text) }));
}
