/**
 * While its scope lasts, what this process makes is open to its owner, whatever mask the caller has: folders that nobody
 * could enter, such as a `~/.cache`, would be left to all later starts and to other programs.
 */
export function openToOwner(): Disposable {
  const mask = process.umask();
  if ((mask & 0o700) === 0) return { [Symbol.dispose]() {} };
  process.umask(mask & 0o077);
  return { [Symbol.dispose]: () => void process.umask(mask) };
}
