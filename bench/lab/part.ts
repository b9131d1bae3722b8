/** A file by its path from some folder, and its bytes. */
export type SizedFile = readonly [path: string, bytes: number];

/**
 * As few of the files as have `bytes` together, with as many small and large ones among them as among all: every n-th in
 * the order of size. All of them where they have less.
 */
export function partOf(files: readonly SizedFile[], bytes: number): readonly SizedFile[] {
  const sorted = files.toSorted(([a, small], [b, large]) => small - large || (a < b ? -1 : 1));
  let [few, enough] = [0, sorted.length];
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2);
    if (totalOf(evenly(sorted, middle)) < bytes) few = middle;
    else enough = middle;
  }
  return evenly(sorted, enough);
}

const evenly = (files: readonly SizedFile[], count: number): readonly SizedFile[] =>
  Array.from({ length: count }, (_, i) => files[Math.floor(((i + 0.5) * files.length) / count)] as SizedFile);

export const totalOf = (files: readonly SizedFile[]): number =>
  files.reduce((sum, [, size]) => sum + size, 0);

/**
 * The files in so many shares of about as many bytes. What lies in one folder at the top stays together: the largest goes
 * first, each to the share that has the least.
 */
export function sharesOf(files: readonly SizedFile[], count: number): readonly (readonly SizedFile[])[] {
  const tops = [...Map.groupBy(files, ([path]) => path.split("/", 1)[0]).values()];
  const shares: SizedFile[][] = Array.from({ length: count }, () => []);
  for (const top of tops.toSorted((a, b) => totalOf(b) - totalOf(a))) {
    const [least] = shares.toSorted((a, b) => totalOf(a) - totalOf(b));
    least?.push(...top);
  }
  return shares;
}
