import { progressLine } from "./line.ts";
import type { Progress } from "./progress.ts";
import { rateOf, type Sample, withSample } from "./rate.ts";

/** A terminal that somebody may be looking at. */
export interface Terminal {
  readonly write: (text: string) => void;
  /** Asked for each line, because windows change; nothing or 0 where it does not tell. */
  readonly columns: () => number | undefined;
  /** Whether we may write there now; always when not given. */
  readonly isOurs?: () => boolean;
  /** Milliseconds since the work has begun; since the process has when not given. */
  readonly now?: () => number;
}

/** Progress as a line at the bottom of a terminal. */
export interface ProgressBar extends Progress, Disposable {
  /** Takes the line away, because something else is about to be written. It comes back by itself. */
  hide(): void;
}

/** Milliseconds. Quick work shows nothing. */
const PATIENCE = 1000;
/** Milliseconds between two lines. */
const PACE = 100;
const USUAL_COLUMNS = 80;
/** To the start of the line; what is right of the cursor goes. */
const [RETURN, CLEAR] = ["\r", "\u001b[K"];

interface Step {
  readonly label: string;
  readonly begun: number;
  total: number | undefined | (() => number | undefined);
  done: number;
  samples: readonly Sample[];
}

/**
 * Shows work that has taken longer than a second as one line, at most ten times a second. Whoever works for long without
 * a turn of the event loop draws it by `add`, everybody else's timer does.
 */
export function openBar({
  write,
  columns,
  isOurs = () => true,
  now = () => performance.now(),
}: Terminal): ProgressBar {
  let step: Step | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  let drawn = Number.NEGATIVE_INFINITY;
  let isShown = false;

  function hide(): void {
    if (isShown && isOurs()) write(RETURN + CLEAR);
    isShown = false;
  }

  function draw(): void {
    if (step === undefined) return;
    let at = now();
    if (at < PATIENCE || at - drawn < PACE) return;
    if (typeof step.total === "function") {
      step.total = step.total();
      at = now(); // the answer may have taken long
    }
    drawn = at;
    isShown = isOurs();
    if (!isShown) return;
    step.samples = withSample(step.samples, { at, done: step.done });
    const { label, done, total, begun } = step;
    const state = { label, done, total, rate: rateOf(step.samples), elapsed: at - begun };
    write(RETURN + progressLine(state, columns() || USUAL_COLUMNS) + CLEAR);
  }

  function end(): void {
    clearInterval(timer);
    step = undefined;
    hide();
  }

  return {
    begin(label, total) {
      const begun = now();
      step = { label, begun, total, done: 0, samples: [{ at: begun, done: 0 }] };
      clearInterval(timer);
      timer = setInterval(draw, PACE);
      timer.unref();
      // It may be long until there is time for more.
      drawn = Number.NEGATIVE_INFINITY;
      draw();
    },
    add(bytes) {
      if (step === undefined) return;
      step.done += bytes;
      draw();
    },
    end,
    hide,
    [Symbol.dispose]: end,
  };
}
