import { BiscuitError } from "../index.ts";
import type { CliHost } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { CliFailure, describe, usageFailure } from "./failure.ts";
import { parseFlags } from "./flags.ts";
import { commandHelp, overview } from "./help.ts";
import { readingOnce } from "./inputs.ts";
import { visible } from "./output.ts";

/** What the program prints, and its exit status: 0 done or allowed, 1 denied or failed, 2 called wrongly. */
export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

const printed = (stdout: string): CliResult => ({ stdout, stderr: "", status: 0 });

async function runCommand(name: string, words: readonly string[], host: CliHost): Promise<CliResult> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw usageFailure(`unknown command: ${name}`, "biscuit --help lists the commands");
  const { positional, flags } = parseFlags(words, command, `biscuit ${name} --help lists what it takes`);
  if (flags.help) return printed(commandHelp(name, command));
  const output = await command.run({ positional, flags, host: readingOnce(host) });
  const stdout = flags.json ? `${JSON.stringify(output.json, undefined, 2)}\n` : output.text;
  return { stdout: visible(stdout), stderr: "", status: output.status ?? 0 };
}

/**
 * Runs the program `biscuit` on its arguments, without touching the process.
 *
 * @example
 * await runCli(["keypair", "--json"], { readFile, version: "0.1.0" });
 */
export async function runCli(words: readonly string[], host: CliHost): Promise<CliResult> {
  const [name, ...rest] = words;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return printed(overview());
  if (name === "--version") return printed(`biscuit ${host.version}\n`);
  try {
    return await runCommand(name, rest, host);
  } catch (error) {
    const failure = error instanceof BiscuitError ? new CliFailure(error.message) : error;
    if (!(failure instanceof CliFailure)) throw failure;
    return { stdout: "", stderr: describe(failure), status: failure.status };
  }
}
