import { endsWith, startsWith } from "../affix.ts";
import type { Fuel } from "../fuel.ts";
import { END, START } from "./look.ts";
import type { Instruction } from "./node.ts";

/** A pattern that is plain text, possibly bound to the start or the end of what it is searched in. */
export interface Literal {
  readonly text: string;
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

/** The plain text that a program looks for, or `undefined` if it is more than that. */
export function asLiteral(program: readonly Instruction[]): Literal | undefined {
  const [first] = program;
  const last = program.at(-1);
  const atStart = first?.kind === "look" && first.look === START;
  const atEnd = last?.kind === "look" && last.look === END;
  let text = "";
  for (const step of program.slice(Number(atStart), program.length - Number(atEnd))) {
    if (step.kind !== "character") return undefined;
    text += String.fromCodePoint(step.code);
  }
  return { text, atStart, atEnd };
}
/** How many character comparisons of a plain search are worth one unit of fuel. */
const COMPARISONS_PER_FUEL = 64;

/** Searches plain text without an automaton. */
export function findLiteral(literal: Literal, text: string, fuel: Fuel): boolean {
  const { text: wanted, atStart, atEnd } = literal;
  if (atStart || atEnd) {
    fuel.spend(1 + Math.ceil(wanted.length / COMPARISONS_PER_FUEL));
    if (atStart && atEnd) return text === wanted;
    return atStart ? startsWith(text, wanted) : endsWith(text, wanted);
  }
  // The engine's own search is quick but, at worst, compares each character of one with each of the other.
  fuel.spend(1 + Math.ceil((text.length * (wanted.length + 1)) / COMPARISONS_PER_FUEL));
  return text.includes(wanted);
}
