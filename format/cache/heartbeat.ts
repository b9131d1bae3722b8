/**
 * Changes the time of a file again and again until its scope ends or the process does: from a thread of its own, so
 * that neither unpacking nor waiting for a command stops it. A file that is gone is not made again.
 */
export function beatFor(file: string, interval: number): Disposable {
  const source = URL.createObjectURL(new Blob([beating(file, interval)], { type: "text/javascript" }));
  const thread = new Worker(source);
  thread.unref();
  return {
    [Symbol.dispose]() {
      thread.terminate();
      URL.revokeObjectURL(source);
    },
  };
}

// A byte is written, because then the disk's own clock dates it, also when the disk is another machine's or is full.
const beating = (file: string, interval: number): string => `
  const { closeSync, openSync, writeSync } = require("node:fs");
  const beat = () => {
    try {
      const fd = openSync(${JSON.stringify(file)}, "r+");
      try { writeSync(fd, "{", 0); } finally { closeSync(fd); }
    } catch (error) {
      if (error.code === "ENOENT") clearInterval(timer);
    }
  };
  const timer = setInterval(beat, ${interval});
  beat();
`;
