/**
 * Lengths of a Huffman code for symbols with these weights, none longer than `longest`. Symbols without weight get a
 * code, too.
 */
export function huffmanLengths(weights: Uint32Array, longest: number): Uint8Array {
  let scaled = Float64Array.from(weights, (weight) => Math.max(weight, 1));
  for (;;) {
    const lengths = unlimitedLengths(scaled);
    if (lengths.every((length) => length <= longest)) return lengths;
    // Flatter weights give shallower trees; all ones would give the shallowest.
    scaled = scaled.map((weight) => Math.ceil(weight / 2));
  }
}

/** Huffman's method with two queues: leaves by weight, and trees, which come into being in order of weight. */
function unlimitedLengths(weights: Float64Array): Uint8Array {
  const count = weights.length;
  const leaves = Array.from(weights.keys()).sort((a, b) => weights[a]! - weights[b]! || a - b);
  const weight = new Float64Array(2 * count - 1);
  const parent = new Int32Array(2 * count - 1);
  weight.set(weights);
  let leaf = 0;
  let tree = count;
  for (let made = count; made < 2 * count - 1; made++) {
    for (let side = 0; side < 2; side++) {
      const takesLeaf = leaf < count && (tree >= made || weight[leaves[leaf]!]! <= weight[tree]!);
      const child = takesLeaf ? leaves[leaf++]! : tree++;
      parent[child] = made;
      weight[made]! += weight[child]!;
    }
  }
  const depth = new Uint8Array(2 * count - 1);
  for (let node = 2 * count - 3; node >= 0; node--) depth[node] = depth[parent[node]!]! + 1;
  return depth.slice(0, count);
}
