import { compileRegex, Fuel, type Regex } from "@countersign/biscuit/regex";

/** A pattern that is compared with whole names. */
export interface Pattern {
  readonly source: string;
  /** @throws {LimitError} for a name that would cost more than a request may. */
  matches(name: string): boolean;
}

/** UTF-16 units of the longest pattern. */
export const MAX_PATTERN_LENGTH = 512;

/** What a pattern is, for messages. */
export const PATTERN_RULE =
  "must be a pattern in the syntax of Rust's regex crate that is matched in linear time: no look-around, no back-reference";

/** What compiling one pattern may cost, in steps of fuel: about 5 ms. */
const COMPILE_FUEL = 50_000;
/** What comparing one name may cost: a name of 1,024 characters with any pattern that compiles in practice. */
const MATCH_FUEL = 200_000;

/**
 * Compiles a pattern, so that it matches whole names only, all of its alternatives included. The engine knows neither
 * look-around nor back-references, and takes time linear in the length of a name.
 *
 * @returns `undefined` for what is no pattern, is too costly, or asks for what cannot be had in linear time.
 */
export function compilePattern(source: string): Pattern | undefined {
  // By itself first: `a)|(b` is a pattern only once it stands in the group.
  if (regexOf(source) === undefined) return undefined;
  const regex = regexOf(`^(?:${source})$`);
  if (regex === undefined) return undefined;
  return { source, matches: (name) => regex.isMatch(name, new Fuel(MATCH_FUEL)) };
}

function regexOf(source: string): Regex | undefined {
  try {
    return compileRegex(source, new Fuel(COMPILE_FUEL));
  } catch {
    // Too costly, or with a property of Unicode that is not known here.
    return undefined;
  }
}

/** The characters that every match of a pattern begins with. */
export function literalStart(source: string): string {
  if (hasAlternatives(source)) return "";
  const plain = /^(?:[^\\^$.|?*+()[\]{}]|\\[^\p{L}\p{N}])*/u.exec(source)?.[0] ?? "";
  const repeated = /^[?*{]/.test(source.slice(plain.length)) ? plain.replace(/(?:\\.|.)$/su, "") : plain;
  return unescaped(repeated);
}

/** The characters that every match of a pattern ends with. */
export function literalEnd(source: string): string {
  if (hasAlternatives(source)) return "";
  return unescaped(/(?:[^\\^$.|?*+()[\]{}]|\\[^\p{L}\p{N}])*$/u.exec(source)?.[0] ?? "");
}

/** Whether a pattern has an alternative, in a group or not. */
function hasAlternatives(source: string): boolean {
  return source.replace(/\\./gsu, "").includes("|");
}

function unescaped(source: string): string {
  return source.replace(/\\(.)/gsu, "$1");
}
