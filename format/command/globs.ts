/**
 * Those of the names that patterns mean: names, and globs of `*`, `?` and `[…]`. A name in another case is another one unless
 * `anyCase`.
 */
export function namesMeant(
  patterns: readonly string[],
  names: readonly string[],
  anyCase = false,
): ReadonlySet<string> {
  const meant = new Set<string>();
  // A start has as many names as there are variables. What is called for each of them is compiled, by a thread that is started
  // for that, which takes a tenth of a start: so what nearly all patterns are is asked without a function.
  for (const pattern of patterns) {
    const simple = anyCase ? undefined : aroundStar(pattern);
    if (simple === undefined) {
      const matches = globMatcher(pattern, anyCase ? "i" : "");
      for (const name of names) if (matches(name)) meant.add(name);
      continue;
    }
    const [front, back] = simple;
    if (back === undefined) {
      if (names.includes(front)) meant.add(front);
      continue;
    }
    const least = front.length + back.length;
    for (const name of names)
      if (name.length >= least && name.startsWith(front) && name.endsWith(back)) meant.add(name);
  }
  return meant;
}

/** What stands in front of the only star of a pattern and behind it, or all of one without; undefined for any other. */
function aroundStar(pattern: string): readonly [front: string, back?: string] | undefined {
  const parts = pattern.split("*");
  const hasMore = parts.length > 2 || pattern.includes("?") || pattern.includes("[");
  return hasMore ? undefined : (parts as [string, string?]);
}

/**
 * A glob over names as a question; `*` also crosses "/", which no variable's name has. Stars part it into pieces of fixed
 * length, each of which is looked for once behind the one before: as one regular expression, ten stars could take years.
 */
export function globMatcher(glob: string, flags = ""): (name: string) => boolean {
  const pieces = [""];
  for (const [part, not, set] of glob.matchAll(/\[(!?)([^\]]+)\]|[*?]|[^*?[]+|\[/g))
    if (part === "*") pieces.push("");
    else
      pieces.push(pieces.pop() + (part === "?" ? "." : set === undefined ? literal(part) : oneOf(set, not)));
  const last = pieces.length - 1;
  const patterns = pieces.map(
    (piece, i) => new RegExp(`${i === 0 ? "^" : ""}${piece}${i === last ? "$" : ""}`, `gs${flags}`),
  );
  return (name) => {
    let at = 0;
    return patterns.every((pattern) => {
      pattern.lastIndex = at;
      const found = pattern.test(name);
      at = pattern.lastIndex;
      return found;
    });
  };
}

const literal = (text: string): string => text.replace(/[-.*+?^${}()|[\]\\]/g, "\\$&");

/** The members of a set. A range that runs backwards holds nothing; as a regular expression it would be an error. */
function oneOf(set: string, not: string | undefined): string {
  const members = set.replace(/(.)-(.)|./gs, (member, from?: string, to?: string) => {
    if (from === undefined || to === undefined) return literal(member);
    return from <= to ? `${literal(from)}-${literal(to)}` : "";
  });
  return `[${not === "!" ? "^" : ""}${members}]`;
}
