/**
 * Does work and says how many bytes the largest `Uint8Array` had that was made meanwhile by its size. Arrays that the
 * engine makes itself are not seen.
 */
export async function largestAllocation<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly largest: number }> {
  const original = globalThis.Uint8Array;
  let largest = 0;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args, newTarget) {
      if (typeof args[0] === "number") largest = Math.max(largest, args[0]);
      return Reflect.construct(target, args, newTarget === globalThis.Uint8Array ? target : newTarget);
    },
  });
  try {
    const result = await work();
    return { result, largest };
  } finally {
    globalThis.Uint8Array = original;
  }
}
