/**
 * Signals that have come until now are told of before this is over: without it, they would be lost when their handlers go.
 * Not `Bun.sleep(0)`, which may be over before: Bun 1.4.5 calls it in the same turn.
 */
export const hearSignals = (): Promise<void> => new Promise((resume) => setImmediate(resume));
