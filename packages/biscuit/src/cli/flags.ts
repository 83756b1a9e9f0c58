import type { Command, Flag, Flags } from "./command.ts";
import { usageFailure } from "./failure.ts";

/** The words of a call, told apart. */
export interface Parsed {
  readonly positional: readonly string[];
  readonly flags: Flags;
}

/** Flags that every command takes. */
export const COMMON_FLAGS: Readonly<Record<string, Flag>> = {
  json: { summary: "print JSON for machines" },
  help: { summary: "print this help" },
};

function argumentOf(
  name: string,
  flag: Flag,
  inline: string | undefined,
  next: () => string | undefined,
): string | true {
  if (flag.value === undefined) {
    if (inline !== undefined) throw usageFailure(`--${name} takes no value: ${inline}`);
    return true;
  }
  const value = inline ?? next();
  if (value !== undefined) return value;
  throw usageFailure(`--${name} is without its ${flag.value}`, `write --${name}=… for one that begins with --`);
}

/** Tells the flags and the other words of a call apart; `help` is what to look at when one is wrong. */
export function parseFlags(words: readonly string[], command: Command, help: string): Parsed {
  const known = { ...command.flags, ...COMMON_FLAGS };
  const positional: string[] = [];
  const flags: Record<string, string | true> = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (!word.startsWith("-") || word === "-") {
      positional.push(word);
      continue;
    }
    const [name = "", inline] = word === "-h" ? ["help"] : word.replace(/^--/, "").split(/=(.*)/s, 2);
    const flag = Object.hasOwn(known, name) ? known[name] : undefined;
    if (flag === undefined) throw usageFailure(`unknown option: ${word.replace(/=.*/s, "")}`, help);
    if (Object.hasOwn(flags, name)) throw usageFailure(`--${name} is given twice`);
    flags[name] = argumentOf(name, flag, inline, () => (words[i + 1]?.startsWith("--") ? undefined : words[++i]));
  }
  const unexpected = positional[command.file ? 1 : 0];
  if (unexpected !== undefined && flags.help === undefined) {
    throw usageFailure(`one word too many: ${unexpected}`, help);
  }
  return { positional, flags };
}
