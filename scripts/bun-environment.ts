/**
 * What a program that Bun 1.4.5 compiled, and Bun itself, react to: variables and files. Each name is tried on a real
 * launcher by tests/e2e/bun-environment.test.ts, and the table is in docs/bun.md.
 *
 * - "off": Bun reacts to it, our launchers or scripts do not.
 * - "nothing": a start with it is the same as one without, byte for byte.
 * - "works": as with any program of Bun. It is the caller's environment, which is trusted as the system's loader trusts it.
 */
export type Fate = "off" | "nothing" | "works";

/** To what it is tried: variables with their value, or files in the caller's folder with their content. */
type Tried = Readonly<Record<string, string>>;

export interface Reaction {
  /** What it does to programs of Bun. */
  readonly does: string;
  /** `{evil}` is a script that says so, `{out}` a path where nothing is, `{packages}` a folder with a package. */
  readonly variables?: Tried;
  readonly files?: Tried;
  /** What becomes of a launcher that starts any program. */
  readonly launcher: Fate;
  /** What becomes of a script that `{bun}` starts. */
  readonly script: Fate;
  /** The script does not get the variable. */
  readonly withheld?: true;
  /** It is seen in a test of its own, because a comparison of two starts does not show it. */
  readonly apart?: true;
  /** The only platform where it can be tried. */
  readonly only?: NodeJS.Platform;
}

const all = (value: string, names: string): Tried =>
  Object.fromEntries(names.split(" ").map((name) => [name, value]));

export const REACTIONS: readonly Reaction[] = [
  {
    does: "adds variables",
    files: all(
      "PLANTED=by a file\n",
      ".env .env.local .env.development .env.development.local .env.production .env.production.local .env.test",
    ),
    launcher: "off",
    script: "off",
  },
  {
    does: "runs its `preload` before the first line, replaces words by its `define`",
    files: all('preload = ["{evil}"]\n[define]\nDEFINED = "\'planted\'"\n', "bunfig.toml"),
    launcher: "off",
    script: "off",
  },
  {
    does: "leads imports elsewhere",
    files: all('{ "compilerOptions": { "paths": { "*": ["{evil}"] } } }', "tsconfig.json jsconfig.json"),
    launcher: "off",
    script: "off",
  },
  {
    does: "names scripts, packages and kinds of modules",
    files: {
      "package.json":
        '{ "name": "planted-package", "exports": "./package.json", "type": "commonjs", "scripts": { "main.ts": "echo EVIL" } }',
      "node_modules/planted-package/index.js": 'module.exports = "EVIL";',
    },
    launcher: "off",
    script: "off",
  },
  {
    does: "is for the package manager",
    files: all("{{ nonsense", ".bunfig.toml bun.lock bun.lockb .npmrc package-lock.json"),
    launcher: "nothing",
    script: "nothing",
  },
  {
    does: "options of Bun's command line: a `--preload`, another folder, `--watch`",
    variables: { BUN_OPTIONS: "--preload={evil}" },
    launcher: "off",
    script: "works",
  },
  {
    does: "makes the program the command line of Bun: no line of the launcher runs. `0` does nothing, and is not handed on",
    variables: { BUN_BE_BUN: "1" },
    launcher: "works",
    script: "works",
  },
  {
    does: "runs a script before the first line",
    variables: { BUN_INSPECT_PRELOAD: "{evil}" },
    launcher: "works",
    script: "works",
  },
  {
    does: "opens the inspector, calls it or tells of it; may wait for it. Launchers do so before the script, which may find the place taken: `BUN_OPTIONS=--inspect` is for scripts only",
    variables: {
      BUN_INSPECT: "ws+unix://{out}?wait=1",
      BUN_INSPECT_CONNECT_TO: "{out}",
      BUN_INSPECT_NOTIFY: "unix://{out}",
    },
    launcher: "works",
    script: "works",
    apart: true,
  },
  {
    does: "options of the engine, `BUN_JSC_…`; a word that is none of them ends the program with 1",
    variables: { BUN_JSC_dumpOptions: "1", BUN_JSC_noSuchOption: "1" },
    launcher: "works",
    script: "works",
  },
  {
    does: "options of the engine under other names",
    variables: all("1", "JSC_dumpOptions JSC_useJIT JSC_SIGNAL_FOR_GC"),
    launcher: "nothing",
    script: "nothing",
  },
  {
    does: "without compiled code the C library cannot be called: as on systems where it cannot, there are other ways for all of it, but no leases",
    variables: { JavaScriptCoreUseJIT: "0", BUN_JSC_useJIT: "0" },
    launcher: "works",
    script: "nothing",
  },
  {
    does: "talk of the allocator, warnings about the value",
    variables: { MIMALLOC_VERBOSE: "1", WTF_numberOfProcessorCores: "nonsense" },
    launcher: "works",
    script: "works",
  },
  {
    does: "an unknown set of instructions ends the program",
    variables: { SIMDUTF_FORCE_IMPLEMENTATION: "nonsense" },
    launcher: "works",
    script: "works",
  },
  {
    does: "talk of the system's loader, which also reads `LD_PRELOAD` and its like",
    variables: { LD_DEBUG: "nonsense" },
    launcher: "works",
    script: "works",
    only: "linux",
  },
  {
    does: "the process goes with its parent, and what it started goes with it",
    variables: { BUN_FEATURE_FLAG_NO_ORPHANS: "1" },
    launcher: "works",
    script: "works",
    apart: true,
  },
  {
    does: "decides whether and where a report goes when Bun itself crashes: on Linux nowhere unless asked, on macOS and Windows to its makers unless `DO_NOT_TRACK` is set. It names the versions and the place of the crash; what is printed also names the arguments",
    variables: {
      BUN_ENABLE_CRASH_REPORTING: "1",
      BUN_CRASH_REPORT_URL: "http://127.0.0.1:9/",
      DO_NOT_TRACK: "1",
    },
    launcher: "works",
    script: "works",
    apart: true,
  },
  {
    does: "the channel to a parent that forked the process; it is handed on to the application. A number that is none is warned of",
    variables: { NODE_CHANNEL_FD: "nonsense", NODE_CHANNEL_SERIALIZATION_MODE: "json" },
    launcher: "works",
    script: "works",
    apart: true,
  },
  {
    does: "a compiled program writes there at its end what it was made of; launchers only after an error or a command of their own",
    variables: { BUN_BYTECODE_ORDER_OUT: "{out}", BUN_BYTECODE_DIGEST_OUT: "{out}" },
    launcher: "nothing",
    script: "nothing",
  },
  {
    does: "keeps compiled scripts there, and runs them from there",
    variables: { NODE_COMPILE_CACHE: "{out}" },
    launcher: "nothing",
    script: "works",
  },
  {
    does: "keeps translated scripts of more than 4 KB there, and runs them from there; by default in `~/.bun/install/cache` or `$XDG_CACHE_HOME/bun`. Under `strict` it is `0` for packages with `{bun}`: then nothing is kept",
    variables: { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "{out}" },
    launcher: "nothing",
    script: "works",
  },
  {
    does: "without source maps nothing is kept",
    variables: { BUN_FEATURE_FLAG_DISABLE_SOURCE_MAPS: "1" },
    launcher: "nothing",
    script: "works",
  },
  {
    does: "preloads are left out, ours as well. It is not handed on to a script",
    variables: { BUN_DISABLE_TRANSPILER: "1" },
    launcher: "nothing",
    script: "off",
    withheld: true,
  },
  {
    does: "more folders with packages",
    variables: { NODE_PATH: "{packages}" },
    launcher: "nothing",
    script: "works",
  },
  {
    does: "the time zone",
    variables: { TZ: "Etc/GMT-5" },
    launcher: "nothing",
    script: "works",
  },
  {
    does: "options of Node, which Bun does not read",
    variables: all(
      "--require={evil}",
      "NODE_OPTIONS NODE_REPL_EXTERNAL_MODULE NODE_ICU_DATA NODE_V8_COVERAGE NODE_REDIRECT_WARNINGS",
    ),
    launcher: "nothing",
    script: "nothing",
  },
  {
    does: "the kind of a run, settings of Node and of test runners",
    variables: all(
      "1",
      "NODE_ENV BUN_ENV NODE_DEBUG NODE_DEBUG_NATIVE NODE_NO_WARNINGS NODE_PENDING_DEPRECATION NODE_DISABLE_COMPILE_CACHE NODE_COMPILE_CACHE_PORTABLE NODE_PRESERVE_SYMLINKS NODE_PRESERVE_SYMLINKS_MAIN NODE_UNIQUE_ID NODE_CLUSTER_SCHED_POLICY NODE_DISABLE_COLORS NODE_REPL_HISTORY NODE_TEST_CONTEXT NODE_TEST_WORKER_ID BUN_TEST_DRAIN_EVENT_LOOP npm_lifecycle_event",
    ),
    launcher: "nothing",
    script: "nothing",
  },
  {
    does: "the network: a launcher uses none; a script may, later",
    variables: all(
      "1",
      "NODE_TLS_REJECT_UNAUTHORIZED NODE_EXTRA_CA_CERTS NODE_USE_SYSTEM_CA NODE_USE_ENV_PROXY SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF SSLKEYLOGFILE HTTP_PROXY HTTPS_PROXY http_proxy https_proxy NO_PROXY no_proxy BUN_CONFIG_VERBOSE_FETCH BUN_CONFIG_MAX_HTTP_REQUESTS BUN_CONFIG_HTTP_IDLE_TIMEOUT BUN_CONFIG_DNS_TIME_TO_LIVE_SECONDS BUN_CONFIG_WS_HANDSHAKE_TIMEOUT BUN_CONFIG_WS_CLOSE_TIMEOUT BUN_FEATURE_FLAG_DISABLE_ADDRCONFIG BUN_FEATURE_FLAG_DISABLE_DNS_CACHE BUN_FEATURE_FLAG_DISABLE_FETCH_TLS_SESSION_CACHE BUN_FEATURE_FLAG_DISABLE_IPV4 BUN_FEATURE_FLAG_DISABLE_IPV6 BUN_FEATURE_FLAG_DISABLE_REDIS_AUTO_PIPELINING BUN_FEATURE_FLAG_DISABLE_SQL_AUTO_PIPELINING BUN_FEATURE_FLAG_EXPERIMENTAL_HTTP2_CLIENT BUN_FEATURE_FLAG_EXPERIMENTAL_HTTP3_CLIENT BUN_PORT PORT REDIS_URL DATABASE_URL S3_ENDPOINT RES_OPTIONS HOSTALIASES",
    ),
    launcher: "nothing",
    script: "nothing",
  },
  {
    does: "colours, languages, terminals",
    variables: all(
      "1",
      "NO_COLOR FORCE_COLOR COLORTERM TERM TERM_PROGRAM COLUMNS TMUX LANG LC_ALL LC_MESSAGES LANGUAGE WANTS_LOUD BUN_DISABLE_KITTY_PROBE",
    ),
    launcher: "nothing",
    script: "nothing",
  },
  {
    does: "memory and threads",
    variables: {
      BUN_FEATURE_FLAG_SYNTHETIC_MEMORY_LIMIT: "1000000000",
      ...all(
        "1",
        "BUN_GARBAGE_COLLECTOR_LEVEL BUN_GC_TIMER_DISABLE BUN_GC_TIMER_INTERVAL BUN_GC_RUNS_UNTIL_SKIP_RELEASE_ACCESS BUN_IDLE_GC_SECONDS BUN_DISABLE_STOP_IF_NECESSARY_TIMER BUN_DISABLE_STORE_AST_HEAP BUN_THREADPOOL_STATS BUN_DESTRUCT_VM_ON_EXIT UV_THREADPOOL_SIZE GOMAXPROCS OMP_NUM_THREADS OMP_THREAD_LIMIT MI_VERBOSE MIMALLOC_SHOW_ERRORS Malloc MallocStackLogging MallocScribble MallocLogFile MallocHelp MallocGuardEdges MallocErrorAbort MallocDoNotProtectPrelude MallocDoNotProtectPostlude MallocCorruptionAbort MallocCheckHeapStart MallocCheckHeapSleep MallocCheckHeapEach MallocCheckHeapAbort WebKitMallocForceEnabled WebKitSystemHeapOverrideEnablement MALLOC_PERTURB_ MALLOC_CHECK_ GLIBC_TUNABLES GLIBCXX_TUNABLES OPENSSL_ia32cap",
      ),
    },
    launcher: "nothing",
    script: "nothing",
  },
  {
    does: "other ways to the same: system calls, threads, formats",
    variables: all(
      "1",
      "BUN_FEATURE_FLAG_DISABLE_ASYNC_TRANSPILER BUN_FEATURE_FLAG_DISABLE_EPOLL_PWAIT2 BUN_FEATURE_FLAG_DISABLE_IO_POOL BUN_FEATURE_FLAG_FORCE_IO_POOL BUN_FEATURE_FLAG_DISABLE_MEMFD BUN_FEATURE_FLAG_DISABLE_RWF_NONBLOCK BUN_FEATURE_FLAG_DISABLE_SPAWNSYNC_FAST_PATH BUN_FEATURE_FLAG_FORCE_WAITER_THREAD BUN_FEATURE_FLAG_DISABLE_STANDALONE_MADVISE BUN_FEATURE_FLAG_DISABLE_SIMD_SOURCEMAP BUN_FEATURE_FLAG_DISABLE_ISOLATION_SOURCE_CACHE BUN_FEATURE_FLAG_NO_LIBDEFLATE BUN_FEATURE_FLAG_DISABLE_UV_FS_COPYFILE BUN_CONFIG_DISABLE_COPY_FILE_RANGE BUN_CONFIG_DISABLE_ioctl_ficlonerange BUN_NEEDS_PROC_SELF_WORKAROUND",
    ),
    launcher: "nothing",
    script: "nothing",
  },
  {
    does: "what Bun says of itself, and what its makers debug it with",
    variables: all(
      "1",
      "BUN_DEBUG BUN_DEBUG_ALL BUN_DEBUG_QUIET_LOGS BUN_TRACE BUN_WATCHER_TRACE BUN_SHOW_BUN_STACKFRAMES BUN_DISABLE_SOURCE_CODE_PREVIEW BUN_DISABLE_TRANSPILED_SOURCE_CODE_PREVIEW BUN_DUMP_STATE_ON_CRASH BUN_FEATURE_FLAG_INTERNAL_FOR_TESTING BUN_FEATURE_FLAG_VERBOSE_WARNINGS BUN_INTERNAL_SUPPRESS_CRASH_IN_BUN_RUN BUN_INTERNAL_SUPPRESS_CRASH_ON_NAPI_ABORT BUN_INTERNAL_SUPPRESS_CRASH_ON_UV_STUB BUN_INTERNAL_WEBVIEW_HOST BUN_INSTRUMENTS BUN_INOTIFY_COALESCE_INTERVAL HYPERFINE_RANDOMIZED_ENVIRONMENT_OFFSET BUN_ASSUME_PERFECT_INCREMENTAL BUN_ENABLE_EXPERIMENTAL_SHELL_BUILTINS BUN_FEATURE_FLAG_EXPERIMENTAL_BAKE BUN_DISABLE_SLOW_FILESYSTEM_WARNING AGENT CLAUDECODE REPL_ID GITHUB_ACTIONS RUNNER_DEBUG TODIUM",
    ),
    launcher: "nothing",
    script: "nothing",
  },
  {
    does: "folders and settings of Bun's package manager, bundler and C compiler",
    variables: all(
      "1",
      "BUN_INSTALL BUN_INSTALL_BIN BUN_INSTALL_CACHE_DIR BUN_INSTALL_GLOBAL_DIR BUN_TMPDIR BUN_CONFIG_REGISTRY NPM_CONFIG_REGISTRY npm_config_registry BUN_CONFIG_SKIP_INSTALL_PACKAGES BUN_INTERNAL_BUNX_INSTALL BUN_COMPILE_TARGET_TARBALL_URL BUN_NO_CODESIGN_MACHO_BINARY BUN_TCC_OPTIONS C_INCLUDE_PATH LIBRARY_PATH SDKROOT BUN_IMAGE BUN_IMAGE_OUT BUN_CHROME_PATH IS_BUN_AUTO_UPDATE XDG_CONFIG_HOME XDG_DATA_HOME",
    ),
    launcher: "nothing",
    script: "nothing",
  },
];
