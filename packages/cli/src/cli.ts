import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands/index.ts";
import { describeFailure, usageFailure } from "./failure.ts";
import { commandHelp, overview } from "./help.ts";
import { nearest } from "./nearest.ts";
import { createPrinter } from "./printer.ts";
import { version } from "./version.ts";
import type { World } from "./world.ts";

/**
 * Runs one command line. Resolves to the exit code: 0 it worked, 1 it failed, 2 it was called wrongly, 130 it was
 * interrupted.
 *
 * @example
 * ```ts
 * import { runCli } from "./cli.ts";
 * const code = await runCli(["client", "list"], world);
 * ```
 */
export async function runCli(words: readonly string[], world: World): Promise<number> {
  try {
    await dispatch(words, world);
    return 0;
  } catch (error) {
    const { text, exitCode } = describeFailure(error, wantsJson(words));
    world.stderr.write(text);
    return exitCode;
  }
}

const askForVersion: ReadonlySet<string> = new Set(["--version", "-v", "-V", "version"]);
const askForHelp: ReadonlySet<string> = new Set(["--help", "-h", "help"]);

/** Also of a command line that cannot be parsed: up to the words that are no options. */
function wantsJson(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return words.slice(0, end === -1 ? undefined : end).includes("--json");
}

async function dispatch(words: readonly string[], world: World): Promise<void> {
  const [first = "--help"] = words;
  if (askForVersion.has(first) && (first !== "-v" || words.length === 1))
    return write(world, `countersign ${version()}\n`);
  if (first === "help" && words.length > 1) return dispatch([...words.slice(1), "--help"], world);
  if (askForHelp.has(first)) return write(world, overview(commands, world.stdout));
  const named = words.slice(leading(words));
  const command = commands.find(({ name }) => startsWith(named, name));
  if (command === undefined) return explainGroup(named, world);
  const options = words.slice(0, words.length - named.length);
  const given = parseArguments(command, [...options, ...named.slice(command.name.split(" ").length)]);
  if (given.flag("help")) return write(world, commandHelp(command, world.stdout));
  await command.run({ given, world, print: createPrinter(world, given.flag("json")) });
}

const beforeCommands: ReadonlySet<string> = new Set(["--json", "--verbose", "-v"]);

/** How many options stand before the command: `countersign --json client list` is `countersign client list --json`. */
function leading(words: readonly string[]): number {
  const first = words.findIndex((word) => !beforeCommands.has(word));
  return first === -1 ? 0 : first;
}

/** The first word of several commands, or one that nobody knows. */
function explainGroup(words: readonly string[], world: World): void {
  const [first = "", second] = words;
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length > 0 && (second === undefined || askForHelp.has(second))) {
    write(world, overview(group, world.stdout));
    return;
  }
  const wanted = group.length > 0 && second !== undefined ? `${first} ${second}` : first;
  throw unknownCommand(wanted, group.length > 0 ? group : commands);
}

function unknownCommand(wanted: string, among: readonly Command[]): Error {
  const names = among.flatMap(({ name }) => [name, name.split(" ")[0] ?? name]);
  const near = nearest(wanted, names);
  return usageFailure(
    `unknown command: ${wanted}`,
    near === undefined ? "countersign --help lists the commands" : `did you mean countersign ${near}?`,
  );
}

function startsWith(words: readonly string[], name: string): boolean {
  return name.split(" ").every((word, at) => words[at] === word);
}

function write(world: World, text: string): void {
  world.stdout.write(text);
}
