import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const FILES = "/proc/self/fd";

/**
 * The numbers of the files that the caller left open, besides the three streams; to be asked before this process opens
 * any. Bun 1.4.5 has opened two itself by then, for its event loop: they are found out by their kind. Where a caller
 * leaves a poll of its own, too, Bun's is the one that watches an event of a higher number. Empty where the system does
 * not tell.
 */
export function findInheritedFiles(): readonly number[] {
  try {
    const kinds = openFiles();
    const loop = loopOf(kinds);
    return [...kinds.keys()].filter((fd) => fd > 2 && !loop.includes(fd)).sort((a, b) => a - b);
  } catch {
    return [];
  }
}

function loopOf(kinds: ReadonlyMap<number, string>): readonly number[] {
  const of = (wanted: string) => [...kinds].flatMap(([fd, kind]) => (kind === wanted ? [fd] : []));
  const [polls, events] = [of("anon_inode:[eventpoll]"), of("anon_inode:[eventfd]")];
  for (const poll of polls)
    for (const event of events) if (event > poll && watches(poll, event)) return [poll, event];
  return [...polls.slice(0, 1), ...events.slice(0, 1)];
}

const watches = (poll: number, event: number): boolean =>
  new RegExp(`^tfd: +${event} `, "m").test(readFileSync(`/proc/self/fdinfo/${poll}`, "utf8"));

/** What each is. The folder's own file is in the list, and gone when it has been read. */
function openFiles(): ReadonlyMap<number, string> {
  const kinds = new Map<number, string>();
  for (const name of readdirSync(FILES))
    try {
      kinds.set(Number(name), readlinkSync(`${FILES}/${name}`));
    } catch {
      // gone
    }
  return kinds;
}
