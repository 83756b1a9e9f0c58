import type { Command, Flag } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { COMMON_FLAGS } from "./flags.ts";

type Row = readonly [string, string];

function columns(rows: readonly Row[]): string {
  const widest = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(widest)}  ${right}\n`).join("");
}

const flagRow = ([name, { value, summary }]: readonly [string, Flag]): Row => [
  value === undefined ? `--${name}` : `--${name} ${value}`,
  summary,
];

const FILES = "FILE is a token, in bytes or base64, or - for standard input\n";

/** The help of the program. */
export function overview(): string {
  const rows = Object.entries(COMMANDS).map(
    ([name, { file, summary }]): Row => [file ? `${name} FILE` : name, summary],
  );
  return `usage: biscuit COMMAND [FILE] [options]\n\n${columns(rows)}\n${FILES}
biscuit COMMAND --help says more; biscuit --version names the version\n`;
}

/** The help of one command. */
export function commandHelp(name: string, { summary, file, flags, example }: Command): string {
  const usage = ["biscuit", name, ...(file ? ["FILE"] : []), "[options]"].join(" ");
  const options = columns(Object.entries({ ...flags, ...COMMON_FLAGS }).map(flagRow));
  return `${summary}\n\nusage: ${usage}\n\n${file ? `${FILES}\n` : ""}options:\n${options}\nexample:\n  ${example}\n`;
}
