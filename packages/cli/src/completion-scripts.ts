import { commonOptions } from "./arguments.ts";
import type { Command, Option } from "./command.ts";

/** Options whose value is the name of a file or directory. */
const fileValues: ReadonlySet<string> = new Set(["FILE", "DIR"]);

/** The completion script of each shell, made from the table of commands. */
export const completionScripts: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash,
  zsh,
  fish,
};

function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const words = Object.keys(optionsOf(command)).map((name) => `--${name}`);
    return `    "${command.name}") words="${words.join(" ")}" ;;`;
  });
  const groups = [...groupsOf(commands)].map(([first, seconds]) => `    "${first}") words="${seconds.join(" ")}" ;;`);
  const choices = commands.flatMap((command) =>
    Object.entries(optionsOf(command)).flatMap(([name, option]) =>
      option.choices === undefined
        ? []
        : [`    ${wordsPattern(command.name)}" --${name}") words="${option.choices.join(" ")}" ;;`],
    ),
  );
  return `# bash completion of countersign
_countersign() {
  local current="\${COMP_WORDS[COMP_CWORD]}" first="\${COMP_WORDS[1]}" second="\${COMP_WORDS[2]}" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${firstWords(commands).join(" ")} --help --version"
  elif [ "$COMP_CWORD" -eq 2 ] && [ "\${current#-}" = "$current" ]; then
    case "$first" in
${groups.join("\n")}
    esac
  fi
  case "$first $second \${COMP_WORDS[COMP_CWORD-1]}" in
${choices.join("\n")}
  esac
  if [ -z "$words" ] && [ "\${current#-}" != "$current" ]; then
    case "$first $second" in
${cases.filter((line) => /^ *"\S+ \S+"/.test(line)).join("\n")}
    *) case "$first" in
${cases.filter((line) => /^ *"\S+"/.test(line)).join("\n")}
    esac ;;
    esac
  fi
  if [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _countersign countersign
# npx countersign, where npx has no completion of its own
_countersign_npx() {
  local at=1
  while [ "$at" -lt "$COMP_CWORD" ] && [ "\${COMP_WORDS[at]#-}" != "\${COMP_WORDS[at]}" ]; do at=$((at + 1)); done
  COMPREPLY=()
  [ "$at" -lt "$COMP_CWORD" ] && [ "\${COMP_WORDS[at]}" = countersign ] || return 0
  COMP_WORDS=("\${COMP_WORDS[@]:at}") COMP_CWORD=$((COMP_CWORD - at))
  _countersign
}
complete -p npx >/dev/null 2>&1 || complete -o default -F _countersign_npx npx
`;
}

function zsh(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const specs = Object.entries(optionsOf(command)).map(([name, option]) => `'${zshSpec(name, option)}'`);
    return `    ${wordsPattern(command.name)}) _arguments ${specs.join(" ")} '*:file:_files' ;;`;
  });
  const groups = [...groupsOf(commands)].map(
    ([first, seconds]) => `    ${first}) compadd -- ${seconds.join(" ")}; return ;;`,
  );
  return `#compdef countersign
_countersign() {
  if (( CURRENT == 2 )); then
    compadd -- ${firstWords(commands).join(" ")} --help --version
    return
  fi
  if (( CURRENT == 3 )); then
    case "$words[2]" in
${groups.join("\n")}
    esac
  fi
  case "$words[2] $words[3]" in
${cases.join("\n")}
  esac
}
_countersign_npx() {
  local at=2
  while (( at < CURRENT )) && [[ "$words[at]" == -* ]]; do (( at++ )); done
  if (( at >= CURRENT )) || [[ "$words[at]" != countersign ]]; then _default; return; fi
  shift $(( at - 1 )) words
  (( CURRENT -= at - 1 ))
  _countersign
}
if [ "$funcstack[1]" = "_countersign" ]; then
  _countersign "$@"
else
  # A shell that never asked for completions has no compdef.
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _countersign countersign
  (( $+_comps[npx] )) || compdef _countersign_npx npx
fi
`;
}

function fish(commands: readonly Command[]): string {
  const groups = groupsOf(commands);
  const lines = commands.flatMap((command) => {
    const [first = "", second] = command.name.split(" ");
    const seen = `__fish_seen_subcommand_from ${first}`;
    const chosen = second === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${second}`;
    const place = second === undefined ? "__fish_use_subcommand" : unfinished(first, groups.get(first) ?? []);
    const word = `complete -c countersign -f -n '${place}' -a ${second ?? first} -d ${fishText(command.summary)}`;
    return [word, ...Object.entries(optionsOf(command)).map(([name, option]) => fishOption(chosen, name, option))];
  });
  const firsts = [...groups.keys()].map((first) => `complete -c countersign -f -n __fish_use_subcommand -a ${first}`);
  // What npx runs is completed as if it stood there alone.
  const npx = `complete -c npx -f -n '__fish_seen_subcommand_from countersign' -a '(complete -C (string replace -r "^npx (-\\S+ )*" "" -- (commandline -cp)))'`;
  return `# fish completion of countersign\n${[...firsts, ...lines, npx].join("\n")}\n`;
}

/** After the first word of a group, before its second. */
function unfinished(first: string, seconds: readonly string[]): string {
  return `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${seconds.join(" ")}`;
}

function fishOption(condition: string, name: string, option: Option): string {
  const takes = option.kind === "flag" ? "" : fileValues.has(option.value ?? "") ? " -r" : " -x";
  const choices = option.choices === undefined ? "" : ` -a ${fishText(option.choices.join(" "))}`;
  return `complete -c countersign -n '${condition}' -l ${name}${takes}${choices} -d ${fishText(option.summary)}`;
}

function fishText(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

function zshSpec(name: string, option: Option): string {
  const summary = option.summary.replace(/[[\]':\\]/g, " ");
  if (option.kind === "flag") return `--${name}[${summary}]`;
  const action =
    option.choices === undefined
      ? fileValues.has(option.value ?? "")
        ? "_files"
        : " "
      : `(${option.choices.join(" ")})`;
  return `--${name}[${summary}]:value:${action}`;
}

/** A command of one word is followed by anything. */
function wordsPattern(name: string): string {
  return name.includes(" ") ? `"${name}"` : `"${name} "*`;
}

function optionsOf(command: Command): Readonly<Record<string, Option>> {
  return { ...command.options, ...commonOptions };
}

function firstWords(commands: readonly Command[]): readonly string[] {
  return [...new Set(commands.map(({ name }) => name.split(" ")[0] ?? ""))];
}

/** First words that several commands share, with their second words. */
function groupsOf(commands: readonly Command[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const { name } of commands) {
    const [first = "", second] = name.split(" ");
    if (second !== undefined) groups.set(first, [...(groups.get(first) ?? []), second]);
  }
  return groups;
}
