import type { ProgressBar } from "../../format/progress/bar.ts";

/** What was told of one step. */
export interface NotedStep {
  readonly label: string;
  readonly total: number | undefined;
  done: number;
  isOver: boolean;
}

/** A bar that nobody sees, and the steps that it was told of. A step is over when it was ended, or the next one began. */
export function noteProgress(onBegin?: (label: string) => void) {
  const steps: NotedStep[] = [];
  const end = () => {
    const last = steps.at(-1);
    if (last !== undefined) last.isOver = true;
  };
  const bar: ProgressBar = {
    begin(label, total) {
      end();
      steps.push({ label, total: total?.(), done: 0, isOver: false });
      onBegin?.(label);
    },
    add(bytes) {
      const last = steps.at(-1);
      if (last === undefined || last.isOver) throw new Error(`${bytes} bytes of no step`);
      last.done += bytes;
    },
    end,
    hide() {},
    [Symbol.dispose]: end,
  };
  return { bar, steps };
}
