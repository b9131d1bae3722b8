/** Numbers that only look random: the same seed gives the same ones on every machine. */
export interface Random {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
  /** Whether one of `chances` came. */
  oneIn(chances: number): boolean;
  pick<T>(list: readonly T[]): T;
}

/** Marsaglia's xorshift over 32 bits: its period is 2^32 - 1, far more than an hour uses for one target. */
export function randomFrom(seed: number): Random {
  // A state of zero would stay zero; mixing keeps neighbouring seeds from beginning alike.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit);
  return {
    below,
    oneIn: (chances) => below(chances) === 0,
    pick: <T>(list: readonly T[]): T => list[below(list.length)] as T,
  };
}
