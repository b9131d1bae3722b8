import type { Command } from "commander";

/** What may follow the words of a command: "" is flavor itself, "workenv list" a command of a group. */
interface Completions {
  readonly path: string;
  readonly words: readonly string[];
}

/** Every command of a tree with its subcommands and long options. */
function completionsOf(command: Command, path = ""): readonly Completions[] {
  const names = command.commands.map((child) => child.name());
  const options = command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : []));
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  const below = command.commands.flatMap((child) => completionsOf(child, `${path} ${child.name()}`.trim()));
  return [{ path, words: [...names, ...choices, ...options, "--help"] }, ...below];
}

/** The completion script for a shell. Where no word fits, the shell completes file names. */
export function completionFor(shell: "bash" | "zsh" | "fish", program: Command): string {
  const all = completionsOf(program);
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](all);
}

/** A shell `case` from the words of the command so far to what may follow. */
const cases = (all: readonly Completions[]): string =>
  all
    .map(({ path, words }) => `    ${path === "" ? '""' : `"${path}"`}) words="${words.join(" ")}" ;;`)
    .join("\n");

/** The commands that have commands: the words behind their names go on naming one. */
const groupsIn = (all: readonly Completions[]): readonly string[] => [
  ...new Set(all.map(({ path }) => path.split(" ").slice(0, -1).join(" ")).filter((path) => path !== "")),
];

/** Patterns of a shell's `case`, in front of a colon. */
const groupsOf = (all: readonly Completions[]): string =>
  groupsIn(all)
    .map((path) => `"${path}":*`)
    .join("|");

const bashScript = (all: readonly Completions[]): string => `# bash completion of flavor
_flavor() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path:$word" in
      *:-*) ;;
      :*) path="$word" ;;
      ${groupsOf(all)}) path="$path $word" ;;
    esac
  done
  case "$path" in
${cases(all)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _flavor flavor
`;

const zshScript = (all: readonly Completions[]): string => `#compdef flavor
_flavor() {
  local name="" word choices=""
  for word in \${words[2,CURRENT-1]}; do
    case "$name:$word" in
      *:-*) ;;
      :*) name="$word" ;;
      ${groupsOf(all)}) name="$name $word" ;;
    esac
  done
  case "$name" in
${cases(all).replaceAll("words=", "choices=")}
  esac
  compadd -- \${=choices} && [[ "$PREFIX" == -* ]] || _files
}
compdef _flavor flavor
`;

const fishScript = (all: readonly Completions[]): string => {
  const groups = groupsIn(all);
  const lines = all.flatMap(({ path, words }) => words.map((word) => fishLine(path, word, groups)));
  return `# fish completion of flavor\n${lines.join("\n")}\n`;
};

function fishLine(path: string, word: string, groups: readonly string[]): string {
  const above = path === "" ? [] : path.split(" ");
  const seen = above.map((name) => `__fish_seen_subcommand_from ${name}`);
  const conditions = seen.length === 0 ? ["__fish_use_subcommand"] : seen;
  const isGroup = path === "" || groups.includes(path);
  const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `${isGroup ? "-f " : ""}-a ${word}`;
  return `complete -c flavor -n "${conditions.join("; and ")}" ${what}`;
}
