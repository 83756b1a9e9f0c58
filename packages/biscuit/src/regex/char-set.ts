import { asciiCaseVariants, caseVariants, DIGIT, hasProperty, type PropertyTest, SPACE, WORD } from "./unicode.ts";

/** Sorted, disjoint, inclusive ranges: low, high, low, high … */
export interface RangeLeaf {
  readonly ranges: readonly number[];
}

export interface PropertyLeaf {
  readonly property: PropertyTest;
}

export type SetOperator = "or" | "and" | "minus" | "xor" | "not" | "fold";

/** A set of code points in postfix form: leaves push a set, operators combine the topmost. */
export type SetProgram = readonly (RangeLeaf | PropertyLeaf | SetOperator)[];

/** Which letters the operator `fold` takes for equal. */
export type Folding = "unicode" | "ascii";

/** A set of code points. */
export class CharSet {
  /** What one membership test costs, in fuel. */
  readonly cost: number;
  /** About how many bytes Rust's engine needs for the set. */
  readonly weight: number;
  readonly #program: SetProgram;
  readonly #variants: ((code: number) => readonly number[]) | undefined;
  readonly #only: RangeLeaf | PropertyLeaf | undefined;

  constructor(program: SetProgram, folding: Folding = "unicode") {
    const [first] = program;
    this.cost = program.reduce((cost, step) => cost + costOf(step), 0);
    this.weight = program.reduce((weight, step) => weight + weightOf(step), 0);
    this.#program = program;
    this.#only = program.length === 1 && typeof first === "object" ? first : undefined;
    const variants = folding === "unicode" ? caseVariants : asciiCaseVariants;
    this.#variants = program.includes("fold") ? variants : undefined;
  }

  has(code: number): boolean {
    if (this.#only !== undefined) return leafHas(this.#only, code);
    const codes = this.#variants?.(code) ?? [code];
    return ((evaluate(this.#program, codes) >> codes.indexOf(code)) & 1) === 1;
  }
}

// Measured on the reference implementation: it spells sets out as automata over UTF-8.
const PROPERTY_WEIGHTS: ReadonlyMap<PropertyTest, number> = new Map([
  [WORD, 27_000],
  [DIGIT, 2_700],
  [SPACE, 360],
]);
const OTHER_PROPERTY_WEIGHT = 15_000;
const NEGATION_WEIGHT = 480;

/** Finding the case variants of a character, and testing a property, take that much longer than a comparison. */
function costOf(step: SetProgram[number]): number {
  if (step === "fold") return 10;
  return typeof step === "object" && "property" in step ? 3 : 1;
}

function weightOf(step: SetProgram[number]): number {
  if (step === "not") return NEGATION_WEIGHT;
  if (typeof step === "string") return 0;
  if ("property" in step) return PROPERTY_WEIGHTS.get(step.property) ?? OTHER_PROPERTY_WEIGHT;
  let weight = 32;
  for (let i = 1; i < step.ranges.length; i += 2) weight += (step.ranges[i] ?? 0) < 0x80 ? 8 : 36;
  return weight;
}

/**
 * Evaluates the case variants of a code point side by side, one bit each: `fold` makes a set hold all of them as soon as
 * it holds one.
 */
function evaluate(program: SetProgram, codes: readonly number[]): number {
  const all = (1 << codes.length) - 1;
  const stack: number[] = [];
  const pop = (): number => stack.pop() ?? 0;
  for (const step of program) {
    if (typeof step === "object") stack.push(leafMask(step, codes));
    else if (step === "not") stack.push(all & ~pop());
    else if (step === "fold") stack.push(pop() === 0 ? 0 : all);
    else stack.push(COMBINE[step](pop(), pop()));
  }
  return pop();
}

const COMBINE: Readonly<Record<"or" | "and" | "minus" | "xor", (right: number, left: number) => number>> = {
  or: (right, left) => left | right,
  and: (right, left) => left & right,
  minus: (right, left) => left & ~right,
  xor: (right, left) => left ^ right,
};

function leafMask(leaf: RangeLeaf | PropertyLeaf, codes: readonly number[]): number {
  let mask = 0;
  for (let i = 0; i < codes.length; i++) if (leafHas(leaf, codes[i] ?? -1)) mask |= 1 << i;
  return mask;
}

function leafHas(leaf: RangeLeaf | PropertyLeaf, code: number): boolean {
  return "ranges" in leaf ? rangesHave(leaf.ranges, code) : hasProperty(code, leaf.property);
}

function rangesHave(ranges: readonly number[], code: number): boolean {
  let low = 0;
  let high = ranges.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (code > (ranges[2 * middle + 1] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return code >= (ranges[2 * low] ?? Number.POSITIVE_INFINITY);
}

/** Sorts and merges ranges given as low, high, low, high … in any order. */
export function rangeLeaf(pairs: readonly number[]): RangeLeaf {
  const sorted: [number, number][] = [];
  for (let i = 0; i < pairs.length; i += 2) sorted.push([pairs[i] ?? 0, pairs[i + 1] ?? 0]);
  sorted.sort(([a], [b]) => a - b);
  const ranges: number[] = [];
  for (const [low, high] of sorted) {
    const end = ranges.at(-1);
    if (end === undefined || low > end + 1) ranges.push(low, high);
    else ranges[ranges.length - 1] = Math.max(end, high);
  }
  return { ranges };
}
