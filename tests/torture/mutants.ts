/**
 * Faults that the tests must find: each is put into a copy of the tree, and the test that is named for it must fail
 * there. Without the fault it passes, as every run of the tests shows. See mutants.test.ts.
 */
export interface Mutant {
  readonly name: string;
  /** Each text must be there exactly once. */
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  readonly caughtBy: { readonly file: string; readonly test: string };
}

const one = (file: string, from: string, to: string): Mutant["edits"] => [{ file, from, to }];

export const MUTANTS: readonly Mutant[] = [
  {
    name: "cleaning ignores leases",
    edits: one(
      "format/cache/evict.ts",
      `if (making === undefined || lock === undefined) return "busy";`,
      `if (making === undefined) return "busy";`,
    ),
    caughtBy: {
      file: "tests/torture/interleavings.test.ts",
      test: "a warm start that has come to before-exec keeps its workenv from being cleaned",
    },
  },
  {
    name: "cleaning ignores who makes a workenv",
    edits: one(
      "format/cache/evict.ts",
      `using lock = making === undefined ? undefined : await tryAcquire(layout.lock);
  if (making === undefined || lock === undefined) return "busy";`,
      `using lock = await tryAcquire(layout.lock);
  if (lock === undefined) return "busy";`,
    ),
    caughtBy: {
      file: "tests/torture/interleavings.test.ts",
      test: "a start that makes a workenv has come to set-up",
    },
  },
  {
    name: "the application does not inherit the lease",
    edits: one("launcher/exec.ts", "if (lease !== undefined) libc?.keepOpen(lease.fd);", ""),
    caughtBy: {
      file: "tests/e2e/lease.test.ts",
      test: "a workenv whose application runs is in use: it is neither cleaned nor removed",
    },
  },
  {
    name: "staging folders of others are swept, though their owners live",
    edits: one("format/cache/staging.ts", "if (lock === undefined) continue;", ""),
    caughtBy: { file: "format/cache/staging.test.ts", test: "of a living process is left alone" },
  },
  {
    name: "the marker is written before the setup is done",
    edits: one(
      "format/workenv/make.ts",
      "  setUp(pkg, request);\n",
      `  writeRecord(pkg, request, { files: [], slots: [], durable: false, created: "" });
  setUp(pkg, request);\n`,
    ),
    caughtBy: { file: "tests/torture/kill-matrix.test.ts", test: "first start > killed at marker-in-place" },
  },
  {
    name: "a lock is believed though its file is gone",
    edits: one(
      "format/cache/lock.ts",
      "libc.flock(fd, operation) === 0 && isSameFile(fd, path)",
      "libc.flock(fd, operation) === 0",
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
        from: "await unpackSlots(pkg, pkg.slots, staging.path)",
        to: "await unpackSlots(pkg, pkg.slots, layout.content)",
      },
      { file: "format/workenv/make.ts", from: "    retire(layout);\n", to: "" },
      { file: "format/workenv/make.ts", from: "    publish(staging.path, layout);\n", to: "" },
    ],
    caughtBy: {
      file: "tests/torture/kill-matrix.test.ts",
      test: "start without a marker > killed at unpacked",
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
    },
  },
  {
    name: "cleaning deletes in place, and the marker last",
    edits: one(
      "format/cache/evict.ts",
      "  removeMarker(layout);\n",
      `  for (const name of readdirSync(layout.content)) {
    removeTree(join(layout.content, name));
    globalThis.failPoint?.("evicted-content");
  }
  removeMarker(layout);\n`,
    ),
    caughtBy: { file: "tests/torture/kill-matrix.test.ts", test: "clean > killed at evicted-content" },
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
    name: "a mending that was killed is forgotten",
    edits: one("format/workenv/heal.ts", "suspect: true", "suspect: false"),
    caughtBy: {
      file: "tests/torture/interleavings.test.ts",
      test: "is finished by the next start, though the file that it missed is back",
    },
  },
  {
    name: "who has waited for a workenv makes it again",
    edits: [
      {
        file: "format/workenv/ensure.ts",
        from: "  if (findReady(layout, digest)?.seal === seal) return;\n",
        to: "",
      },
      {
        file: "format/workenv/ensure.ts",
        from: "if (!isMended) await make",
        to: "if (!isMended || isMended) await make",
      },
    ],
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
      test: "a workenv that must be made anew waits for the application that runs from it",
    },
  },
];
