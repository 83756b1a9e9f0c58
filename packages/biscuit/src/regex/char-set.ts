import { asciiCaseVariants, caseVariants, DIGIT, SPACE, WORD } from "./unicode.ts";
import { propertyWeights, type Weights } from "./weights.ts";

/** A set of code points. */
export interface CharSet {
  /** Whether any of these is in the set: they are one code point, or those that a search without case takes for it. */
  readonly holds: (codes: readonly number[]) => boolean;
  /** What one membership test costs, in fuel. */
  readonly cost: number;
  /** About how many bytes Rust's engine needs for the set. */
  readonly weight: number;
  /** The same for its negation. @default a little more than for the set */
  readonly negatedWeight?: number;
}

// Measured on the reference implementation: it spells sets out as automata over UTF-8.
const PERL_WEIGHTS: ReadonlyMap<RegExp, Weights> = new Map([
  [WORD, { weight: 27_000, negatedWeight: 25_100 }],
  [DIGIT, { weight: 2_700, negatedWeight: 6_800 }],
  [SPACE, { weight: 360, negatedWeight: 1_020 }],
]);
const NEGATION_WEIGHT = 480;

/** How the case of letters is looked at. */
export type Folding = "none" | "ascii" | "unicode";

const VARIANTS: Readonly<Record<Folding, (code: number) => readonly number[]>> = {
  none: (code) => [code],
  ascii: asciiCaseVariants,
  unicode: caseVariants,
};

/** The code points that a set is asked for in the place of one. */
export function variantsOf(code: number, folding: Folding): readonly number[] {
  return VARIANTS[folding](code);
}

/** The code points in inclusive ranges: low, high, low, high … */
export function rangeSet(ranges: readonly number[]): CharSet {
  let weight = 32;
  for (let i = 1; i < ranges.length; i += 2) weight += (ranges[i] ?? 0) < 0x80 ? 8 : 36;
  const holds = (code: number): boolean => {
    for (let i = 0; i < ranges.length; i += 2) {
      if (code >= (ranges[i] ?? 0) && code <= (ranges[i + 1] ?? 0)) return true;
    }
    return false;
  };
  return { holds: (codes) => codes.some(holds), cost: 1 + (ranges.length >> 5), weight };
}

/** The code points that a JavaScript expression matches. */
export function propertySet(property: RegExp): CharSet {
  return {
    holds: (codes) => property.test(String.fromCodePoint(...codes)),
    cost: 3,
    ...(PERL_WEIGHTS.get(property) ?? propertyWeights(property)),
  };
}

export function negated({ holds, cost, weight, negatedWeight = weight + NEGATION_WEIGHT }: CharSet): CharSet {
  return { holds: (codes) => !holds(codes), cost: cost + 1, weight: negatedWeight, negatedWeight: weight };
}

/** How two sets are combined. */
export type SetOperator = (left: boolean, right: boolean) => boolean;

export function combined(left: CharSet, right: CharSet, operator: SetOperator): CharSet {
  return {
    holds: (codes) => operator(left.holds(codes), right.holds(codes)),
    cost: left.cost + right.cost + 1,
    weight: left.weight + right.weight,
  };
}

export function union(sets: readonly CharSet[]): CharSet {
  const [only] = sets;
  if (only !== undefined && sets.length === 1) return only;
  return {
    holds: (codes) => sets.some(({ holds }) => holds(codes)),
    cost: sets.reduce((cost, set) => cost + set.cost + 1, 0),
    weight: sets.reduce((weight, set) => weight + set.weight, 0),
  };
}

/** The classes of POSIX, as the first and last characters of their ranges. */
const ASCII_CLASSES: Readonly<Record<string, string>> = {
  alnum: "09AZaz",
  alpha: "AZaz",
  ascii: "\0\x7f",
  blank: "\t\t  ",
  cntrl: "\0\x1f\x7f\x7f",
  digit: "09",
  graph: "!~",
  lower: "az",
  print: " ~",
  punct: "!/:@[`{~",
  space: "\t\r  ",
  upper: "AZ",
  word: "09AZaz__",
  xdigit: "09AFaf",
};

/** The class that is written `[:name:]`. */
export function asciiClass(name: string): CharSet | undefined {
  const ends = Object.hasOwn(ASCII_CLASSES, name) ? ASCII_CLASSES[name] : undefined;
  return ends === undefined ? undefined : rangeSet(Array.from(ends, (character) => character.charCodeAt(0)));
}
