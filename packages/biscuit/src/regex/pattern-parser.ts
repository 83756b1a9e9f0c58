import { type Folding, negated, rangeSet, variantsOf } from "./char-set.ts";
import { ClassParser } from "./class-parser.ts";
import { type Flags, parseEscape } from "./escape.ts";
import { END, END_CRLF, END_LINE, START, START_CRLF, START_LINE } from "./look.ts";
import { Cursor, invalid } from "./pattern-cursor.ts";
import {
  characterNode,
  choiceNode,
  groupNode,
  lookNode,
  NOTHING,
  type Node,
  repetitionNode,
  sequenceNode,
  setNode,
} from "./syntax-node.ts";
import { isGroupNameCharacter, isSpace } from "./unicode.ts";

/** A group that is open: its finished alternatives, the one being read, and the flags to return to. */
interface Group {
  readonly choices: Node[];
  parts: Node[];
  readonly outerFlags: Flags;
  readonly captures: boolean;
}

/** Stands where `(?flags)` stood, so that a repetition after it finds nothing to repeat. */
const FLAG_SETTING: Node = { ...NOTHING };

const COUNTS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  "?": [0, 1],
  "*": [0, Number.POSITIVE_INFINITY],
  "+": [1, Number.POSITIVE_INFINITY],
};

const LOOK_AROUND = ["?=", "?!", "?<=", "?<!"];
const DEFAULT_FLAGS: Flags = new Set("u");

/**
 * Parses the syntax of Rust's `regex` crate, version 1, without recursion.
 *
 * @throws {InvalidPattern} for every pattern which that crate refuses as well.
 */
export function parsePattern(pattern: string): Node {
  return new Parser(pattern).parse();
}

class Parser {
  readonly #cursor: Cursor;
  readonly #groups: Group[] = [];
  readonly #names = new Set<string>();
  #group: Group = { choices: [], parts: [], outerFlags: DEFAULT_FLAGS, captures: false };
  #flags: Flags = DEFAULT_FLAGS;

  constructor(pattern: string) {
    this.#cursor = new Cursor(pattern);
  }

  parse(): Node {
    for (;;) {
      this.#cursor.bumpSpace();
      if (this.#cursor.atEnd) break;
      this.#parseNext(this.#cursor.character);
    }
    if (this.#groups.length > 0) throw invalid();
    return this.#bodyOf(this.#group);
  }

  #parseNext(character: string): void {
    const counts = COUNTS[character];
    if (counts !== undefined) this.#repeat(...counts);
    else if (character === "{") this.#parseCounts();
    else if (character === "(") this.#openGroup();
    else if (character === ")") this.#closeGroup();
    else if (character === "|") this.#nextChoice();
    else if (character === "[") this.#parseClass();
    else this.#group.parts.push(this.#parseSingle(character));
  }

  #bodyOf({ choices, parts }: Group): Node {
    const last = sequenceNode(parts);
    return choices.length === 0 ? last : choiceNode([...choices, last]);
  }

  #nextChoice(): void {
    this.#cursor.bump();
    this.#group.choices.push(sequenceNode(this.#group.parts));
    this.#group.parts = [];
  }

  #setFlags(flags: Flags): void {
    this.#flags = flags;
    this.#cursor.verbose = flags.has("x");
  }

  get #folding(): Folding {
    if (!this.#flags.has("i")) return "none";
    return this.#flags.has("u") ? "unicode" : "ascii";
  }

  #openGroup(): void {
    const cursor = this.#cursor;
    cursor.bump();
    cursor.bumpSpace();
    if (LOOK_AROUND.some((prefix) => cursor.bumpIf(prefix))) throw invalid();
    const outerFlags = this.#flags;
    const named = cursor.bumpIf("?P<") || cursor.bumpIf("?<");
    const flagged = !named && cursor.bumpIf("?");
    if (named) this.#parseGroupName();
    if (flagged && this.#setFlagsHere()) return;
    this.#groups.push(this.#group);
    this.#group = { choices: [], parts: [], outerFlags, captures: !flagged };
  }

  /** The flags of a group; true if there is no group, and they hold from here on. */
  #setFlagsHere(): boolean {
    this.#setFlags(this.#parseFlags());
    const alone = this.#cursor.at(")");
    this.#cursor.bump();
    if (alone) this.#group.parts.push(FLAG_SETTING);
    return alone;
  }

  #closeGroup(): void {
    const outer = this.#groups.pop();
    if (outer === undefined) throw invalid();
    this.#cursor.bump();
    outer.parts.push(groupNode(this.#bodyOf(this.#group), this.#group.captures));
    this.#setFlags(this.#group.outerFlags);
    this.#group = outer;
  }

  #parseGroupName(): void {
    const cursor = this.#cursor;
    let name = "";
    while (!cursor.atEnd && !cursor.at(">")) {
      if (!isGroupNameCharacter(cursor.character, name === "")) throw invalid();
      name += cursor.character;
      cursor.bump();
    }
    if (cursor.atEnd || name === "" || this.#names.has(name)) throw invalid();
    this.#names.add(name);
    cursor.bump();
  }

  /** The flags after `(?`, ending at the `:` or `)` behind them. */
  #parseFlags(): Flags {
    const cursor = this.#cursor;
    const flags = new Set(this.#flags);
    const seen = new Set<string>();
    let last = "";
    for (; !cursor.at(":") && !cursor.at(")"); cursor.bump()) {
      last = cursor.character;
      if (seen.has(last) || !/^[imsRuxU-]$/.test(last)) throw invalid();
      if (seen.has("-")) flags.delete(last);
      else if (last !== "-") flags.add(last);
      seen.add(last);
    }
    // Empty flags before a parenthesis would be a `?` that has nothing to repeat.
    if (last === "-" || (last === "" && cursor.at(")"))) throw invalid();
    return flags;
  }

  #repeat(min: number, max: number): void {
    this.#cursor.bump();
    if (this.#cursor.at("?")) this.#cursor.bump();
    this.#pushRepetition(min, max);
  }

  #pushRepetition(min: number, max: number): void {
    const body = this.#group.parts.pop();
    if (body === undefined || body === FLAG_SETTING) throw invalid();
    this.#group.parts.push(repetitionNode(body, min, max));
  }

  #parseCounts(): void {
    const cursor = this.#cursor;
    cursor.bumpAndSpace();
    const min = this.#parseDecimal();
    let max = min;
    if (cursor.at(",")) {
      cursor.bumpAndSpace();
      max = cursor.at("}") ? Number.POSITIVE_INFINITY : this.#parseDecimal();
    }
    if (!cursor.at("}") || max < min) throw invalid();
    if (cursor.bumpAndSpace() && cursor.at("?")) cursor.bump();
    this.#pushRepetition(min, max);
  }

  /** White space may stand around the digits in every mode. */
  #parseDecimal(): number {
    const cursor = this.#cursor;
    while (isSpace(cursor.character)) cursor.bump();
    let digits = "";
    while (/^[0-9]$/.test(cursor.character)) {
      digits += cursor.character;
      cursor.bumpAndSpace();
    }
    while (isSpace(cursor.character)) cursor.bumpAndSpace();
    const value = Number(digits);
    if (digits === "" || value > 0xffffffff) throw invalid();
    return value;
  }

  #parseClass(): void {
    const { set, depth } = new ClassParser(this.#cursor, this.#flags).parse();
    this.#group.parts.push(setNode(set, this.#folding, depth));
  }

  #parseSingle(character: string): Node {
    if (character === "\\") return this.#parseEscape();
    this.#cursor.bump();
    const flags = this.#flags;
    const lineEnd = flags.has("m") ? (flags.has("R") ? 2 : 1) : 0;
    if (character === ".") return this.#dot();
    if (character === "^") return lookNode([START, START_LINE, START_CRLF][lineEnd] ?? START);
    if (character === "$") return lookNode([END, END_LINE, END_CRLF][lineEnd] ?? END);
    return this.#literal(character.codePointAt(0) ?? 0);
  }

  #parseEscape(): Node {
    const item = parseEscape(this.#cursor, this.#flags);
    if ("code" in item) return this.#literal(item.code);
    return "look" in item ? lookNode(item.look) : setNode(item.set, this.#folding);
  }

  #literal(code: number): Node {
    const variants = variantsOf(code, this.#folding);
    if (variants.length === 1) return characterNode(code);
    return setNode(rangeSet(variants.flatMap((variant) => [variant, variant])), "none");
  }

  #dot(): Node {
    const flags = this.#flags;
    if (!flags.has("u")) throw invalid();
    const excluded = flags.has("s") ? [] : flags.has("R") ? [10, 10, 13, 13] : [10, 10];
    return setNode(negated(rangeSet(excluded)), "none");
  }
}
