import type { Bytes } from "../../format/types.ts";

/**
 * A smaller input of which `fails` is still true: parts are left out, large ones first, then bytes become zeros. Asks
 * at most `budget` times, and gives the best that it has by then.
 */
export async function minimise(
  input: Bytes,
  fails: (input: Bytes) => Promise<boolean>,
  budget = 2000,
): Promise<Bytes> {
  let best = input;
  let asked = 0;
  const isBetter = async (candidate: Bytes): Promise<boolean> => {
    asked++;
    if (!(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let size = ceilHalf(best.length); size > 0 && asked < budget; size = size === 1 ? 0 : ceilHalf(size))
    for (let at = 0; at < best.length && asked < budget;)
      if (!(await isBetter(without(best, at, at + size)))) at += size;
  for (let at = 0; at < best.length && asked < budget; at++)
    if (best[at] !== 0) await isBetter(best.with(at, 0) as Bytes);
  return best;
}

const ceilHalf = (size: number): number => Math.ceil(size / 2);

function without(input: Bytes, from: number, to: number): Bytes {
  const rest = new Uint8Array(input.length - Math.min(to, input.length) + from);
  rest.set(input.subarray(0, from));
  rest.set(input.subarray(to), from);
  return rest;
}
