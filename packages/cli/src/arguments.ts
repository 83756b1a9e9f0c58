import { parseArgs } from "node:util";
import type { Arguments, Command, Option } from "./command.ts";
import { type CliFailure, usageFailure } from "./failure.ts";
import { nearest } from "./nearest.ts";

/** Options that every command takes. */
export const commonOptions: Readonly<Record<string, Option>> = {
  json: { kind: "flag", summary: "Print JSON for machines" },
  help: { kind: "flag", summary: "Print this help", short: "h" },
};

/**
 * Parses the words after a command's name.
 *
 * @throws {CliFailure} with exit code 2, naming the word that is wrong and the nearest right one.
 */
export function parseArguments(command: Command, words: readonly string[]): Arguments {
  const options = { ...command.options, ...commonOptions };
  const { values, positionals } = parse(command, options, words);
  const names = command.positionals ?? [];
  if (positionals.length > names.length) {
    throw unexpectedWord(command, words, String(positionals[names.length]));
  }
  const texts = new Map<string, string>(names.flatMap(({ name }, at) => pair(name, positionals[at])));
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === "string") texts.set(name, checked(name, value, options[name]));
  }
  const lists = new Map(
    Object.entries(values).flatMap(([name, value]) => (Array.isArray(value) ? [[name, split(value)] as const] : [])),
  );
  for (const [name, members] of lists) oneWordEach(name, members, options[name]);
  for (const [name, members] of lists) for (const member of members) checked(name, member, options[name]);
  if (values.help !== true) requirePositionals(command, texts);
  return view(command, texts, lists, values);
}

function view(
  command: Command,
  texts: ReadonlyMap<string, string>,
  lists: ReadonlyMap<string, readonly string[]>,
  values: Readonly<Record<string, unknown>>,
): Arguments {
  const text = (name: string) => texts.get(name);
  return {
    text,
    flag: (name) => values[name] === true,
    list: (name) => lists.get(name),
    required(name) {
      const value = text(name);
      if (value === undefined) throw usageFailure(`--${name} is missing`, `countersign ${command.name} --help`);
      return value;
    },
    integer(name) {
      const value = text(name);
      if (value === undefined) return undefined;
      if (!/^\d{1,12}$/.test(value)) throw usageFailure(`--${name} must be a whole number from 0 up: ${value}`);
      return Number(value);
    },
  };
}

function parse(command: Command, options: Readonly<Record<string, Option>>, words: readonly string[]) {
  const specs = Object.fromEntries(
    Object.entries(options).map(([name, { kind, short }]) => [
      name,
      {
        type: kind === "flag" ? ("boolean" as const) : ("string" as const),
        multiple: kind === "list",
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  try {
    const args = withDashes(options, words);
    const parsed = parseArgs({ args, options: specs, allowPositionals: true, strict: true });
    return { ...parsed, positionals: parsed.positionals.map((word) => word.replace(DASHED, "")) };
  } catch (error) {
    throw usageFailure(...explain(error, command, Object.keys(options)));
  }
}

/** Stands before a word that begins with a dash and is no option. No argument of a process can hold it. */
const DASHED = "\0";

/**
 * One identifier in 64 begins with a dash, as key ids and tokens are base64url: long, and with what no name of an option
 * has.
 */
function isIdentifier(word: string): boolean {
  return /^-[\w.~-]{20,}$/.test(word) && /[A-Z0-9_]/.test(word);
}

/**
 * What begins with a dash is taken for an option: not so an identifier, nor as the value of an option a negative number,
 * which gets its own refusal later, and PEM.
 */
function withDashes(options: Readonly<Record<string, Option>>, words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const [at, word] of words.entries()) {
    if (word === "--") return [...joined, ...words.slice(at)];
    const before = joined.at(-1) ?? "";
    const kind = before.startsWith("--") ? options[before.slice(2)]?.kind : undefined;
    const isValue = kind !== undefined && kind !== "flag";
    if (isValue && (/^-\d|^-----BEGIN /.test(word) || isIdentifier(word)))
      joined[joined.length - 1] = `${before}=${word}`;
    else joined.push(isIdentifier(word) ? `${DASHED}${word}` : word);
  }
  return joined;
}

/** A word too many after a list was probably meant to be of it. */
function unexpectedWord(command: Command, words: readonly string[], word: string): CliFailure {
  const before = words[words.indexOf(word) - 2] ?? "";
  const isList = before.startsWith("--") && command.options?.[before.slice(2)]?.kind === "list";
  const hint = isList ? [`several are joined by commas: ${before} ${words[words.indexOf(word) - 1]},${word}`] : [];
  return usageFailure(`unexpected word: ${word}`, ...hint, `countersign ${command.name} --help`);
}

/** No member of any list holds a space: who writes one means several members. */
function oneWordEach(name: string, members: readonly string[], option: Option | undefined): void {
  const several = members.find((member) => /\s/.test(member.trim()));
  if (several === undefined || option?.choices !== undefined) return;
  const joined = several.trim().split(/\s+/).join(",");
  throw usageFailure(`--${name} holds spaces: ${several}`, `several are joined by commas: --${name} ${joined}`);
}

function explain(error: unknown, { name, positionals = [] }: Command, names: readonly string[]): [string, ...string[]] {
  const message = error instanceof Error ? error.message : "";
  const unknown = /^Unknown option '(--?[^']*)'/.exec(message)?.[1];
  if (unknown === undefined) return [(message.split(/[.\n]/)[0] ?? message).toLowerCase()];
  const near = nearest(unknown.replace(/^-+/, ""), names);
  if (near !== undefined) return [`unknown option: ${unknown}`, `did you mean --${near}?`];
  const [wanted] = positionals;
  if (wanted === undefined) return [`unknown option: ${unknown}`];
  const hint = `a ${wanted.name} that begins with a dash stands after two: countersign ${name} -- ${unknown}`;
  return [`unknown option: ${unknown}`, hint];
}

function requirePositionals(command: Command, texts: ReadonlyMap<string, string>): void {
  for (const { name, required = true } of command.positionals ?? []) {
    if (required && !texts.has(name)) {
      throw usageFailure(`${name.toUpperCase()} is missing`, `countersign ${command.name} --help`);
    }
  }
}

function checked(name: string, value: string, option: Option | undefined): string {
  if (option?.choices === undefined || option.choices.includes(value)) return value;
  const choices = option.choices.join(", ");
  const hint = option.kind === "list" ? `it takes any of ${choices}, joined by commas` : `it is one of ${choices}`;
  throw usageFailure(`--${name} cannot be ${value}`, hint);
}

function split(values: readonly (string | boolean)[]): readonly string[] {
  return values
    .flatMap((value) => String(value).split(","))
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function pair(name: string, value: string | undefined): readonly [string, string][] {
  return value === undefined ? [] : [[name, value]];
}
