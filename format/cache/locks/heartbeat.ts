let heart: Worker | undefined;

/**
 * Changes the time of a file every so many milliseconds until the file is gone or the process ends: from a thread, so
 * that neither unpacking nor waiting for a command stops it. The file is never made again.
 */
export function keepBeating(file: string, interval: number): void {
  if (heart === undefined) {
    heart = new Worker(URL.createObjectURL(new Blob([HEART], { type: "text/javascript" })));
    heart.unref();
  }
  heart.postMessage({ file, interval });
}

// One thread for all, which is never ended: Bun 1.4.5 aborts now and then when a thread is ended that has just begun.
// A byte is written, because then the disk's own clock dates it, also when the disk is another machine's or is full.
const HEART = `
  const { closeSync, openSync, writeSync } = require("node:fs");
  self.onmessage = ({ data: { file, interval } }) => {
    const beat = () => {
      try {
        const fd = openSync(file, "r+");
        try { writeSync(fd, "{", 0); } finally { closeSync(fd); }
      } catch (error) {
        if (error.code === "ENOENT") clearInterval(timer);
      }
    };
    const timer = setInterval(beat, interval);
    beat();
  };
`;
