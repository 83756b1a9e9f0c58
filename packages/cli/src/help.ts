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

function optionRow([name, option]: readonly [string, Option]): readonly [string, string] {
  const value = option.kind === "flag" ? "" : ` ${option.value ?? option.choices?.join("|") ?? "TEXT"}`;
  return [`--${name}${value}`, option.summary];
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const widest = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(widest)}  ${right}`).join("\n");
}
