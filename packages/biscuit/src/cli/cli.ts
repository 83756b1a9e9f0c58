import { BiscuitError } from "../index.ts";
import { type CliHost, COMMANDS, type Command, type Flags, UsageError } from "./commands.ts";
import { oneLine, visible } from "./output.ts";

/** What the program prints, and its exit status: 0 done or allowed, 1 denied or failed, 2 called wrongly. */
export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

function flagHelp(command: Command): string {
  return Object.entries(command.flags)
    .map(([name, purpose]) => `      --${name.padEnd(18)}${purpose}\n`)
    .join("");
}

function help(): string {
  const commands = Object.values(COMMANDS).map(
    (command) => `  biscuit ${command.usage.padEnd(18)}${command.summary}\n${flagHelp(command)}`,
  );
  return `usage: biscuit COMMAND [FILE] [--json]\n\n${commands.join("\n")}\n  FILE is a token, in bytes or base64; - is standard input.\n`;
}

interface Parsed {
  readonly positional: readonly string[];
  readonly flags: Flags;
}

function parseFlags(words: readonly string[], command: Command): Parsed {
  const positional: string[] = [];
  const flags: Record<string, string | boolean> = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (!word.startsWith("--")) {
      positional.push(word);
      continue;
    }
    const [name = "", inline] = word.slice(2).split(/=(.*)/s, 2);
    if (name === "json") flags.json = true;
    else if (!Object.hasOwn(command.flags, name)) throw new UsageError(`unknown flag: --${name}`);
    else {
      const value = inline ?? words[++i];
      if (value === undefined) throw new UsageError(`missing value: --${name}`);
      flags[name] = value;
    }
  }
  const unexpected = positional[command.usage.endsWith(" FILE") ? 1 : 0];
  if (unexpected !== undefined) throw new UsageError(`unexpected argument: ${unexpected}`);
  return { positional, flags };
}

function failure(error: unknown): CliResult {
  if (error instanceof UsageError) {
    return { stdout: "", stderr: `biscuit: error: ${oneLine(error.message)}\nhint: run biscuit --help\n`, status: 2 };
  }
  if (error instanceof Error && (error instanceof BiscuitError || error instanceof RangeError || "syscall" in error)) {
    return { stdout: "", stderr: `biscuit: error: ${oneLine(error.message)}\n`, status: 1 };
  }
  throw error;
}

/**
 * Runs the program `biscuit` on its arguments, without touching the process.
 *
 * @example
 * await runCli(["keypair", "--json"], { readFile });
 */
export async function runCli(words: readonly string[], host: CliHost): Promise<CliResult> {
  const [name, ...rest] = words;
  if (name === undefined || name === "--help" || name === "help") return { stdout: help(), stderr: "", status: 0 };
  try {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) throw new UsageError(`unknown command: ${name}`);
    const { positional, flags } = parseFlags(rest, command);
    const output = await command.run({ arguments: positional, flags, host });
    const stdout = flags.json === true ? `${JSON.stringify(output.json, undefined, 2)}\n` : output.text;
    return { stdout: visible(stdout), stderr: "", status: output.status ?? 0 };
  } catch (error) {
    return failure(error);
  }
}
