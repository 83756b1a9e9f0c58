import { commonOptions } from "./arguments.ts";
import type { Command, Option } from "./command.ts";
import type { Output } from "./world.ts";

/** The help of one command. */
export function commandHelp(command: Command, output: Width): string {
  const width = widthOf(output);
  const words = (command.positionals ?? []).map(({ name, required = true }) =>
    required ? name.toUpperCase() : `[${name.toUpperCase()}]`,
  );
  const sections = [
    `${command.summary}\n\nusage: countersign ${[command.name, ...words, "[options]"].join(" ")}`,
    columns(
      (command.positionals ?? []).map(({ name, summary }) => [name.toUpperCase(), summary]),
      width,
    ),
    `options:\n${columns(Object.entries({ ...command.options, ...commonOptions }).map(optionRow), width)}`,
    command.examples === undefined ? "" : `examples:\n${command.examples.map((line) => `  ${line}`).join("\n")}`,
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

/** The help of the whole program, or of the commands that share a first word. */
export function overview(commands: readonly Command[], output: Width): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return `usage: countersign COMMAND [options]\n\n${columns(rows, widthOf(output))}\n
countersign COMMAND --help says more; countersign --version names the version\n`;
}

function optionRow([name, { kind, value = "TEXT", summary, choices, short }]: readonly [string, Option]) {
  const takes = kind === "flag" ? "" : ` ${value}${kind === "list" ? ",…" : ""}`;
  const of = choices === undefined ? "" : `: ${kind === "list" ? "any" : "one"} of ${choices.join(", ")}`;
  const letter = short === undefined ? "" : `-${short}, `;
  return [`${letter}--${name}${takes}`, `${summary}${of}`] as const;
}

type Width = Pick<Output, "columns">;

/** As wide as the terminal, and never wider than lines are read well. */
function widthOf({ columns = 100 }: Width): number {
  return Math.max(30, Math.min(columns, 100));
}

/** Side by side, or one below the other where there is no room beside the left one. */
function columns(rows: readonly (readonly [string, string])[], width: number): string {
  const widest = Math.max(0, ...rows.map(([left]) => left.length));
  const fits = width - widest - 4 >= 24;
  const indent = " ".repeat(fits ? widest + 4 : 6);
  return rows
    .map(([left, right]) => {
      const lines = wrap(right, width - indent.length).join(`\n${indent}`);
      return fits ? `  ${left.padEnd(widest)}  ${lines}` : `  ${left}\n${indent}${lines}`;
    })
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
