/** Something that comes out of a generator before anybody asks for it. */
export interface RunAhead<T> {
  /** To be called when there may be room again. */
  go(): void;
  /** What comes next, or what went wrong instead. To be asked again only when that is known. */
  next(): Promise<IteratorResult<T, unknown>>;
  /** Ends the generator, which comes to its next step before. What was taken and not asked for is lost. */
  close(): Promise<void>;
}

/** Takes from a generator as long as there is room, and what is asked for in any case. */
export function runAhead<T>(source: AsyncGenerator<T, unknown>, hasRoom: () => boolean): RunAhead<T> {
  const taken: Promise<IteratorResult<T, unknown>>[] = [];
  let isTaking = false;
  let isOver = false;
  async function take(): Promise<void> {
    isTaking = true;
    do {
      const step = source.next();
      taken.push(step);
      // What goes wrong is said to who asks for it.
      const { done } = await step.catch(() => ({ done: true }));
      isOver ||= done === true;
    } while (!isOver && hasRoom());
    isTaking = false;
  }
  return {
    go() {
      if (!isTaking && !isOver && hasRoom()) take();
    },
    async next() {
      if (taken.length === 0 && !isTaking) take();
      return await (taken.shift() ?? source.next());
    },
    async close() {
      isOver = true;
      await source.return(undefined);
    },
  };
}
