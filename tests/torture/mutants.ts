/**
 * Faults that the tests must find: each is put into a copy of the tree, and the test that is named for it must fail
 * there. Without the fault it passes, as every run of the tests shows. See mutants.test.ts.
 */
export interface Mutant {
  readonly name: string;
  /** Each text must be there exactly once. */
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  readonly caughtBy: {
    readonly file: string;
    /** The beginning of its whole name, with " > " behind those of groups. */
    readonly test: string;
    /** As it stands in the file, where that is another text. */
    readonly title?: string;
  };
}

const one = (file: string, from: string, to: string): Mutant["edits"] => [{ file, from, to }];

export const MUTANTS: readonly Mutant[] = [
  {
    name: "cleaning ignores leases",
    edits: one(
      "format/cache/cleaning/evict.ts",
      `  using lock = await tryAcquire(layout.lock);
  if (lock === undefined) return "in use";
`,
      `  using lock = (await tryAcquire(layout.lock)) ?? { confirm() {}, [Symbol.dispose]() {} };
`,
    ),
    caughtBy: {
      file: "tests/torture/interleavings.test.ts",
      test: "a warm start that has come to before-exec keeps its workenv from being cleaned",
      title: "a warm start that has come to %s keeps its workenv from being cleaned",
    },
  },
  {
    name: "cleaning ignores who makes a workenv",
    edits: one(
      "format/cache/cleaning/evict.ts",
      `  using making = await tryAcquire(layout.making);
  if (making === undefined) return "being made";
`,
      `  using making = (await tryAcquire(layout.making)) ?? { confirm() {}, [Symbol.dispose]() {} };
`,
    ),
    caughtBy: {
      file: "tests/torture/interleavings.test.ts",
      test: "a start that makes a workenv has come to set-up",
      title: "a start that makes a workenv has come to %s",
    },
  },
  {
    name: "the application does not inherit the lease",
    edits: one("launcher/exec.ts", "if (lease !== undefined) libc?.keepOpen(lease.fd, inheritedFiles);", ""),
    caughtBy: {
      file: "tests/e2e/lease.test.ts",
      test: "what runs (exec) is neither cleaned nor removed, and afterwards is",
      title: "what runs (%s) is neither cleaned nor removed, and afterwards is",
    },
  },
  {
    name: "staging folders of others are swept, though their owners live",
    edits: one(
      "format/cache/cleaning/leftovers.ts",
      `    if (lock === undefined) return;
    work();
    endLock(path, lock);
`,
      `    work();
    if (lock !== undefined) endLock(path, lock);
`,
    ),
    caughtBy: {
      file: "format/cache/staging.test.ts",
      test: "a folder is swept when its owner is dead, and not before",
    },
  },
  {
    name: "the marker is written before the setup is done",
    edits: one(
      "format/workenv/make.ts",
      "  await setUp(pkg, request);\n",
      `  writeRecord(pkg, request, { files: { count: 0, json: "", files: 0, spread: [] }, slots: [], created: "" });
  await setUp(pkg, request);
`,
    ),
    caughtBy: {
      file: "tests/torture/kill-matrix.test.ts",
      test: "first start > killed at marker-in-place",
      title: "killed at %s",
    },
  },
  {
    name: "a lock is believed though its file is gone",
    edits: one(
      "format/cache/locks/flock.ts",
      "if (flock(libc, fd, operation) && isSameFile(fd, path)) {",
      "if (flock(libc, fd, operation)) {",
    ),
    caughtBy: {
      file: "tests/torture/interleavings.test.ts",
      test: "a lock file that was removed after it was opened locks nothing",
    },
  },
  {
    name: "workenvs are built in their place",
    edits: [
      {
        file: "format/workenv/make.ts",
        from: "await unpackTogether(pkg, slots, staging.path, request.crew, request.progress?.add)",
        to: "await unpackTogether(pkg, slots, layout.content, undefined)",
      },
      { file: "format/workenv/make.ts", from: "    old = retire(layout);\n", to: "" },
      { file: "format/workenv/make.ts", from: "    publish(staging.path, layout);\n", to: "" },
    ],
    caughtBy: {
      file: "tests/torture/kill-matrix.test.ts",
      test: "start without a marker > killed at unpacked",
      title: "killed at %s",
    },
  },
  {
    name: "a marker counts for whatever lies in its folder",
    edits: one(
      "format/workenv/entry.ts",
      "isSameDirectory(marker, identityOf(layout.content)) && wasSeenBySystem(marker)",
      "identityOf(layout.content) !== undefined && wasSeenBySystem(marker)",
    ),
    caughtBy: {
      file: "format/workenv/marker.test.ts",
      test: "an entry is ready > not without its folder, nor with another one under its name",
      title: "not without its folder, nor with another one under its name",
    },
  },
  {
    name: "cleaning deletes in place, and the marker last",
    edits: one(
      "format/cache/cleaning/retire.ts",
      "  removeMarker(layout);\n",
      `  for (const name of statOf(layout.content) === undefined ? [] : readdirSync(layout.content)) {
    removeTree(join(layout.content, name));
    globalThis.failPoint?.("retired-marker");
  }
  removeMarker(layout);
`,
    ),
    caughtBy: {
      file: "tests/torture/kill-matrix.test.ts",
      test: "clean > killed at retired-marker",
      title: "killed at %s",
    },
  },
  {
    name: "content that a power cut may have emptied is believed",
    edits: one(
      "format/workenv/entry.ts",
      "durable || boot === undefined || boot === bootId();",
      "durable || boot === undefined || boot !== undefined;",
    ),
    caughtBy: {
      file: "format/workenv/marker.test.ts",
      test: "if its content was not brought there, in another run: false",
      title: "if its content was $what: $ready",
    },
  },
  {
    name: "a marker says that its content is on the disk, and nobody has brought it there",
    edits: one("format/io/libc.ts", "return more.syncfs(fd) === 0;", "return fd > 0 && more !== undefined;"),
    caughtBy: {
      file: "tests/torture/power-cut.test.ts",
      test: "a marker that says so has all of its content on the disk",
    },
  },
  {
    name: "what a user has written is deleted before its copy is on the disk",
    edits: one(
      "format/workenv/user-files/take-over.ts",
      'if (!id.startsWith("link:")) syncFile',
      'if (id.startsWith("neither")) syncFile',
    ),
    caughtBy: {
      file: "tests/torture/power-cut.test.ts",
      test: "what a user has written is on the disk before its old place is deleted, with FLAVOR_DURABLE=0",
      title: "what a user has written is on the disk before its old place is deleted, with FLAVOR_DURABLE=%s",
    },
  },
  {
    name: "a mending that was killed is forgotten",
    edits: one("format/workenv/mending/heal.ts", "suspect: true", "suspect: false"),
    caughtBy: {
      file: "tests/torture/interleavings.test.ts",
      test: "is finished by the next start, though the file that it missed is back",
    },
  },
  {
    name: "who has waited for a workenv makes it again",
    edits: one(
      "format/workenv/ensure.ts",
      "if (!isNoted(findReady(layout, digest), request)) {",
      "if (!isNoted(findReady(layout, digest), request)) {} else return make(pkg, request, making);\n  {",
    ),
    caughtBy: { file: "tests/torture/herd.test.ts", test: "first starts of" },
  },
  {
    name: "a workenv that an application runs from is replaced",
    edits: one(
      "format/workenv/make.ts",
      "using _exclusive = await acquire(layout.lock, request.onBusy);",
      "",
    ),
    caughtBy: {
      file: "tests/e2e/lease.test.ts",
      test: "a workenv that must be made anew waits until the application has ended, and says so",
    },
  },
  {
    name: "a lease that cannot be had at once is done without",
    edits: one(
      "format/workenv/ensure.ts",
      "return await share(layout.lock);",
      'const shared = (await import("../cache/locks/lock.ts")).tryShare(layout.lock);\n  return typeof shared === "string" ? undefined : shared;',
    ),
    caughtBy: {
      file: "tests/torture/interleavings.test.ts",
      test: "a look at what could be cleaned, which holds a lock for a moment, does not cost a start its lease",
    },
  },
];
