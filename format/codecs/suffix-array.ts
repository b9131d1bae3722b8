type Text = Uint8Array | Int32Array;

const EMPTY = -1;

/**
 * The starts of all suffixes of `text` in lexicographic order, in linear time whatever the text: the SA-IS algorithm
 * (Nong, Zhang and Chan 2009). Values of `text` are below `alphabet`; a suffix that ends is smaller than one that
 * goes on.
 */
export function suffixArray(text: Text, alphabet: number): Int32Array {
  const n = text.length;
  const order = new Int32Array(n);
  if (n <= 1) return order;

  const isSmall = smallTypes(text);
  const isLeftmost = (i: number): boolean => i > 0 && isSmall[i] === 1 && isSmall[i - 1] === 0;
  const { heads, tails } = buckets(text, alphabet);

  // First round: the leftmost small suffixes in any order sort their own substrings.
  const positions: number[] = [];
  for (let i = 1; i < n; i++) if (isLeftmost(i)) positions.push(i);
  induce(text, order, isSmall, heads, tails, Int32Array.from(positions));

  // Equal substrings get equal names; distinct names everywhere mean that the order is known already.
  const sorted = order.filter(isLeftmost);
  const names = new Int32Array(n).fill(EMPTY);
  let name = 0;
  for (let i = 0; i < sorted.length; i++) {
    if (i > 0 && !sameSubstring(text, isLeftmost, sorted[i - 1]!, sorted[i]!)) name++;
    names[sorted[i]!] = name;
  }
  if (name + 1 < sorted.length) {
    const reduced = names.filter((value) => value !== EMPTY);
    const subOrder = suffixArray(reduced, name + 1);
    for (let i = 0; i < sorted.length; i++) sorted[i] = positions[subOrder[i]!]!;
  }
  induce(text, order, isSmall, heads, tails, sorted);
  return order;
}

/** 1 for suffixes that are smaller than the one behind them. */
function smallTypes(text: Text): Uint8Array {
  const types = new Uint8Array(text.length);
  for (let i = text.length - 2; i >= 0; i--)
    types[i] = text[i]! < text[i + 1]! || (text[i] === text[i + 1] && types[i + 1] === 1) ? 1 : 0;
  return types;
}

/** Where the suffixes of each first value begin in the order, and where they end. */
function buckets(text: Text, alphabet: number): { readonly heads: Int32Array; readonly tails: Int32Array } {
  const heads = new Int32Array(alphabet);
  const tails = new Int32Array(alphabet);
  for (let i = 0; i < text.length; i++) tails[text[i]!]!++;
  let sum = 0;
  for (let value = 0; value < alphabet; value++) {
    heads[value] = sum;
    sum += tails[value]!;
    tails[value] = sum;
  }
  return { heads, tails };
}

/** From the leftmost small suffixes in order: the large ones from left to right, then the small ones backwards. */
function induce(
  text: Text,
  order: Int32Array,
  isSmall: Uint8Array,
  heads: Int32Array,
  tails: Int32Array,
  leftmost: Int32Array,
): void {
  const n = text.length;
  order.fill(EMPTY);
  const tail = tails.slice();
  for (let i = leftmost.length - 1; i >= 0; i--) order[--tail[text[leftmost[i]!]!]!] = leftmost[i]!;

  const head = heads.slice();
  // The last suffix is large: it follows from the empty one, which is the smallest and not stored.
  order[head[text[n - 1]!]!++] = n - 1;
  for (let i = 0; i < n; i++) {
    const before = order[i]! - 1;
    if (before >= 0 && isSmall[before] === 0) order[head[text[before]!]!++] = before;
  }

  tail.set(tails);
  for (let i = n - 1; i >= 0; i--) {
    const before = order[i]! - 1;
    if (before >= 0 && isSmall[before] === 1) order[--tail[text[before]!]!] = before;
  }
}

/** Whether the pieces from `a` and `b` to their next leftmost small suffixes are the same. */
function sameSubstring(text: Text, isLeftmost: (i: number) => boolean, a: number, b: number): boolean {
  for (let i = 0; ; i++) {
    if (a + i >= text.length || b + i >= text.length || text[a + i] !== text[b + i]) return false;
    if (i > 0) {
      const ends = isLeftmost(a + i);
      if (ends !== isLeftmost(b + i)) return false;
      if (ends) return true;
    }
  }
}
