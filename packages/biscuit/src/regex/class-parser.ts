import { CharSet, rangeLeaf, type SetOperator, type SetProgram } from "./char-set.ts";
import { type Cursor, invalid } from "./cursor.ts";
import { type Escape, parseEscape } from "./escape.ts";
import { type Flags, foldingOf } from "./flags.ts";

const ASCII_CLASSES: Readonly<Record<string, readonly number[]>> = {
  alnum: [48, 57, 65, 90, 97, 122],
  alpha: [65, 90, 97, 122],
  ascii: [0, 127],
  blank: [9, 9, 32, 32],
  cntrl: [0, 31, 127, 127],
  digit: [48, 57],
  graph: [33, 126],
  lower: [97, 122],
  print: [32, 126],
  punct: [33, 47, 58, 64, 91, 96, 123, 126],
  space: [9, 13, 32, 32],
  upper: [65, 90],
  word: [48, 57, 65, 90, 95, 95, 97, 122],
  xdigit: [48, 57, 65, 70, 97, 102],
};

const OPERATORS: readonly (readonly [text: string, operator: SetOperator])[] = [
  ["&&", "and"],
  ["--", "minus"],
  ["~~", "xor"],
];

/** A bracket that is open: the union being read, and the operator waiting for it. */
interface Bracket {
  readonly negated: boolean;
  ranges: number[];
  /** How many sets the union has put on the program's stack; ranges are gathered and put there last. */
  pushed: number;
  items: number;
  depth: number;
  operator: SetOperator | undefined;
  leftDepth: number;
}

/** Reads a bracketed class, nested ones and set operations included, into one postfix program. */
export class ClassParser {
  readonly #cursor: Cursor;
  readonly #flags: Flags;
  readonly #open: Bracket[] = [];
  readonly #program: SetProgram[number][] = [];

  constructor(cursor: Cursor, flags: Flags) {
    this.#cursor = cursor;
    this.#flags = flags;
  }

  /** The cursor is at the opening bracket, and ends after the closing one. */
  parse(): { set: CharSet; depth: number } {
    this.#openBracket();
    for (;;) {
      this.#cursor.bumpSpace();
      const bracket = this.#open.at(-1);
      if (bracket === undefined || this.#cursor.atEnd) throw invalid();
      if (this.#cursor.at("]")) {
        const depth = this.#closeBracket(bracket);
        if (depth !== undefined) return { set: new CharSet(this.#program, foldingOf(this.#flags)), depth };
      } else if (this.#cursor.at("[")) {
        if (!this.#parseAsciiClass(bracket)) this.#openBracket();
      } else if (!this.#parseOperator(bracket)) {
        this.#parseItem(bracket);
      }
    }
  }

  #openBracket(): void {
    const cursor = this.#cursor;
    const more = (): void => {
      if (!cursor.bumpAndSpace()) throw invalid();
    };
    more();
    const negated = cursor.at("^");
    // Without Unicode a negated class would hold bytes that are no characters.
    if (negated && !this.#flags.unicode) throw invalid();
    if (negated) more();
    const bracket: Bracket = { negated, ranges: [], pushed: 0, items: 0, depth: 0, operator: undefined, leftDepth: 0 };
    while (cursor.at("-")) {
      addRange(bracket, 45, 45);
      more();
    }
    if (bracket.items === 0 && cursor.at("]")) {
      addRange(bracket, 93, 93);
      more();
    }
    this.#open.push(bracket);
  }

  /** Returns the depth of the whole class once the outermost bracket is closed. */
  #closeBracket(bracket: Bracket): number | undefined {
    this.#cursor.bump();
    const depth = this.#endUnion(bracket) + 1;
    if (this.#flags.ignoreCase) this.#program.push("fold");
    if (bracket.negated) this.#program.push("not");
    this.#open.pop();
    const parent = this.#open.at(-1);
    if (parent === undefined) return depth;
    this.#addSet(parent, [], depth);
    return undefined;
  }

  /** Puts the union that was read on the stack, and applies the operator that waited for it. */
  #endUnion(bracket: Bracket): number {
    if (bracket.ranges.length > 0 || bracket.pushed === 0) {
      this.#program.push(rangeLeaf(bracket.ranges));
      if (bracket.pushed > 0) this.#program.push("or");
    }
    const depth = bracket.items > 1 ? bracket.depth + 1 : bracket.depth;
    if (bracket.operator === undefined) return depth;
    if (this.#flags.ignoreCase) this.#program.push("fold");
    this.#program.push(bracket.operator);
    return Math.max(depth, bracket.leftDepth) + 1;
  }

  #parseOperator(bracket: Bracket): boolean {
    const found = OPERATORS.find(([text]) => this.#cursor.bumpIf(text));
    if (found === undefined) return false;
    const leftDepth = this.#endUnion(bracket);
    if (this.#flags.ignoreCase) this.#program.push("fold");
    Object.assign(bracket, { ranges: [], pushed: 0, items: 0, depth: 0, operator: found[1], leftDepth });
    return true;
  }

  #addSet(bracket: Bracket, program: SetProgram, depth = 0): void {
    this.#program.push(...program);
    if (bracket.pushed > 0) this.#program.push("or");
    bracket.pushed++;
    bracket.items++;
    bracket.depth = Math.max(bracket.depth, depth);
  }

  /** `[:alpha:]`; anything that is not exactly such a class is an ordinary nested bracket. */
  #parseAsciiClass(bracket: Bracket): boolean {
    const cursor = this.#cursor;
    const start = cursor.position;
    if (cursor.bumpIf("[:")) {
      const negated = cursor.bumpIf("^");
      let name = "";
      while (!cursor.atEnd && !cursor.at(":")) {
        name += cursor.character;
        cursor.bump();
      }
      const ranges = Object.hasOwn(ASCII_CLASSES, name) ? ASCII_CLASSES[name] : undefined;
      if (ranges !== undefined && cursor.bumpIf(":]")) {
        this.#addAsciiClass(bracket, ranges, negated);
        return true;
      }
    }
    cursor.position = start;
    return false;
  }

  #addAsciiClass(bracket: Bracket, ranges: readonly number[], negated: boolean): void {
    if (negated && !this.#flags.unicode) throw invalid();
    const folded: SetProgram = this.#flags.ignoreCase ? [rangeLeaf(ranges), "fold"] : [rangeLeaf(ranges)];
    this.#addSet(bracket, negated ? [...folded, "not"] : folded);
  }

  #parseItem(bracket: Bracket): void {
    const first = this.#parseOne();
    this.#cursor.bumpSpace();
    if (this.#cursor.atEnd) throw invalid();
    const next = this.#cursor.at("-") ? this.#cursor.peekPastSpace() : "]";
    if (next !== "]" && next !== "-") {
      if (!this.#cursor.bumpAndSpace()) throw invalid();
      const [low, high] = [this.#codeOf(first), this.#codeOf(this.#parseOne())];
      if (low > high) throw invalid();
      addRange(bracket, low, high);
    } else if (first.kind === "set") {
      this.#addSet(bracket, first.program);
    } else {
      addRange(bracket, this.#codeOf(first), this.#codeOf(first));
    }
  }

  #parseOne(): Escape {
    if (this.#cursor.at("\\")) return parseEscape(this.#cursor, this.#flags);
    const code = this.#cursor.character.codePointAt(0);
    if (code === undefined) throw invalid();
    this.#cursor.bump();
    return { kind: "character", code };
  }

  #codeOf(item: Escape): number {
    if (item.kind !== "character") throw invalid();
    if (item.code > 0x7f && !this.#flags.unicode) throw invalid();
    return item.code;
  }
}

function addRange(bracket: Bracket, low: number, high: number): void {
  bracket.ranges.push(low, high);
  bracket.items++;
}
