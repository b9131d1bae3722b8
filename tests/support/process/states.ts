/** What can be peculiar about how a process is started; steps are those of `arrange.c`. */
export interface State {
  readonly name: string;
  readonly steps?: readonly string[];
  /** Beside the usual ones. */
  readonly args?: readonly (string | Uint8Array)[];
  readonly variables?: readonly (string | Uint8Array)[];
  /** How the package is called: its path when not given. */
  readonly by?: "relative path" | "PATH" | "link";
  /** Not tried with a package that has to be unpacked. */
  readonly warm?: boolean;
  /** Properties that docs/workenv.md says are different, with what the application has; "-" for nothing. */
  readonly differs?: Readonly<Record<string, string>>;
  /** The same for a child of the launcher, beside what every child has. */
  readonly ofChild?: Readonly<Record<string, string | undefined>>;
}

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const PIPE = 13;
const BUN_HANDLES = [4, 5, 6, 7, 8, 11, 31];
const PWR = 30;

export const STATES: readonly State[] = [
  { name: "nothing peculiar" },
  {
    name: "arguments that are no UTF-8",
    args: [bytes("caf\xe9"), bytes("\xff\xfe"), "fine é", "", bytes("\xed\xa0\x80"), "\ufffd"],
  },
  { name: "an argument of 100 kB that is no UTF-8", args: [bytes(`\xff${"x".repeat(100_000)}`)] },
  { name: "words that Bun knows", args: ["--version", "--inspect", "-e", "1", "--", "run", "--smol"] },
  { name: "variables that are no UTF-8", variables: [bytes("VALUE=caf\xe9\xff"), bytes("N\xe9ME=x")] },
  { name: "a variable without a name", variables: ["=nameless", "="] },
  { name: "a variable without a value sign", variables: ["LONELY", "EMPTY="] },
  { name: "a variable twice", variables: ["TWICE=1", "BETWEEN=x", "TWICE=2"] },
  {
    name: "variables that objects have, and numbers",
    variables: ["__proto__=x", "constructor=y", "10=a", "2=b"],
  },
  { name: "variables with line breaks and equal signs", variables: ["LINES=a\nb\n", "EQUAL==a=b="] },
  { name: "a thousand variables", variables: Array.from({ length: 1000 }, (_, i) => `V${i}=${i}`) },
  { name: "a variable of 100 kB", variables: [`LONG=${"é".repeat(50_000)}`] },
  {
    name: "open files",
    steps: ["open=3:file", "open=4:pipe", "open=5:socket", "open=9:folder", "open=255:null"],
  },
  { name: "an open file with a high number", steps: ["open=1023:file"] },
  {
    name: "an open file with the number of a lease",
    steps: ["open=900:file"],
    differs: { "file.200": "lease" },
  },
  { name: "an open event and a poll", steps: ["open=7:eventfd", "open=8:epoll"] },
  { name: "an open event and a poll in front", steps: ["open=3:eventfd", "open=4:epoll", "open=6:eventfd"] },
  { name: "stdin closed", steps: ["close=0"] },
  { name: "stdout closed", steps: ["close=1"] },
  { name: "stderr closed", steps: ["close=2"] },
  { name: "all streams closed", steps: ["close=0", "close=1", "close=2"] },
  { name: "stdin and an open file behind a gap", steps: ["close=0", "open=4:file"] },
  { name: "streams that are pipes", steps: ["open=0:pipe", "open=1:pipe", "open=2:pipe"] },
  { name: "a pipe that does not wait", steps: ["open=0:impatient"] },
  { name: "streams that are sockets", steps: ["open=0:socket", "open=1:socket", "open=2:socket"] },
  { name: "umask 077", steps: ["umask=077"] },
  { name: "umask 0", steps: ["umask=0"] },
  { name: "nice", steps: ["nice=7"] },
  ...["TERM 15", "HUP 1", "INT 2", "QUIT 3", "USR1 10", "TTOU 22", "WINCH 28", "RTMIN 34"].flatMap(
    (signal): readonly State[] => {
      const [name, number] = signal.split(" ");
      return [
        { name: `SIG${name} ignored`, steps: [`ignore=${number}`] },
        { name: `SIG${name} blocked`, steps: [`block=${number}`] },
      ];
    },
  ),
  { name: "SIGCHLD ignored", steps: ["ignore=17"] },
  // A cold start has children of its own.
  { name: "SIGCHLD blocked", steps: ["block=17"], warm: true },
  // While a package is unpacked, threads of Bun get what nobody else wants.
  { name: "SIGTERM blocked and waiting", steps: ["block=15", "raise=15"], warm: true },
  { name: "SIGPIPE blocked", steps: [`block=${PIPE}`] },
  // Bun sets these itself before the launcher's first line, and does not tell what they were.
  {
    name: "SIGPIPE and SIGXFSZ ignored",
    steps: ["ignore=13", "ignore=25"],
    differs: { "signal.13": "default", "signal.25": "default" },
  },
  {
    name: "signals ignored that Bun has use for",
    steps: BUN_HANDLES.map((number) => `ignore=${number}`),
    differs: Object.fromEntries(BUN_HANDLES.map((number) => [`signal.${number}`, "default"])),
  },
  { name: "SIGPWR blocked", steps: [`block=${PWR}`], differs: { [`signal.${PWR}`]: "default" } },
  {
    name: "SIGPWR ignored",
    steps: [`ignore=${PWR}`],
    differs: {
      [`signal.${PWR}`]: "default",
      stderr:
        "Overriding existing handler for signal 30. Set JSC_SIGNAL_FOR_GC if you want WebKit to use a different signal\n",
    },
  },
  { name: "no core", steps: ["limit=4:0:0"] },
  {
    name: "a small stack, little time, few processes",
    steps: ["limit=3:4194304", "limit=0:100", "limit=6:5000"],
  },
  {
    name: "a limit of open files that is soft and hard",
    steps: ["limit=7:256:256"],
    differs: { "file.200": "lease" },
  },
  { name: "few open files", steps: ["limit=7:64:64"], differs: { "file.60": "lease" } },
  // Bun would raise it: see builder/launchers/caller-limits.ts.
  { name: "a soft limit of open files", steps: ["limit=7:500:4000"], differs: { "file.200": "lease" } },
  { name: "a process group of its own", steps: ["group"], ofChild: { "group.own": "0" } },
  { name: "a session of its own", steps: ["session"], ofChild: { "group.own": "0", "session.own": "0" } },
  {
    name: "a terminal",
    steps: ["terminal"],
    ofChild: { "group.own": "0", "session.own": "0", parent: "another", pid: undefined },
  },
  { name: "an alarm", steps: ["alarm=1000"], ofChild: { alarm: "0" } },
  { name: "a signal for the death of the parent", steps: ["parent-death=10"] },
  { name: "children of others", steps: ["reaper"], ofChild: { reaper: "0" } },
  { name: "no new privileges", steps: ["no-privileges"] },
  { name: "timers that may be late", steps: ["slack=70000"] },
  { name: "another folder", steps: ["folder=/usr"] },
  { name: "a folder that has been deleted", steps: ["gone=DIR/gone"] },
  { name: "by a relative path", by: "relative path", steps: ["folder=DIR/dist"] },
  { name: "found on PATH", by: "PATH" },
  { name: "by a link", by: "link" },
];
