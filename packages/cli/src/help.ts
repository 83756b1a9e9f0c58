import { commonOptions } from "./arguments.ts";
import type { Command, Option } from "./command.ts";

/** The help of one command. */
export function commandHelp(command: Command): string {
  const words = (command.positionals ?? []).map(({ name, required = true }) =>
    required ? name.toUpperCase() : `[${name.toUpperCase()}]`,
  );
  const sections = [
    `${command.summary}\n\nusage: countersign ${[command.name, ...words, "[options]"].join(" ")}`,
    columns((command.positionals ?? []).map(({ name, summary }) => [name.toUpperCase(), summary])),
    `options:\n${columns(Object.entries({ ...command.options, ...commonOptions }).map(optionRow))}`,
    command.examples === undefined ? "" : `examples:\n${command.examples.map((line) => `  ${line}`).join("\n")}`,
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

/** The help of the whole program, or of the commands that share a first word. */
export function overview(commands: readonly Command[]): string {
  return `usage: countersign COMMAND [options]\n\n${columns(commands.map(({ name, summary }) => [name, summary]))}\n
countersign COMMAND --help says more; countersign --version names the version\n`;
}

function optionRow([name, { kind, value = "TEXT", summary, choices }]: readonly [string, Option]) {
  const takes = kind === "flag" ? "" : ` ${value}${kind === "list" ? ",…" : ""}`;
  const of = choices === undefined ? "" : `: ${kind === "list" ? "any" : "one"} of ${choices.join(", ")}`;
  return [`--${name}${takes}`, `${summary}${of}`] as const;
}

/** What a terminal shows without breaking lines. */
const lineWidth = 100;

function columns(rows: readonly (readonly [string, string])[]): string {
  const widest = Math.max(0, ...rows.map(([left]) => left.length));
  const indent = " ".repeat(widest + 4);
  return rows
    .map(([left, right]) => `  ${left.padEnd(widest)}  ${wrap(right, lineWidth - indent.length).join(`\n${indent}`)}`)
    .join("\n");
}

function wrap(text: string, width: number): readonly string[] {
  const [first = "", ...words] = text.split(" ");
  const lines: string[] = [];
  let line = first;
  for (const word of words) {
    if (line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line += ` ${word}`;
  }
  return [...lines, line];
}
