import { asciiClass, type CharSet, combined, negated, rangeSet, type SetOperator, union } from "./char-set.ts";
import { type Escape, type Flags, parseEscape } from "./escape.ts";
import { type Cursor, invalid } from "./pattern-cursor.ts";

const OPERATORS: readonly (readonly [text: string, operator: SetOperator])[] = [
  ["&&", (left, right) => left && right],
  ["--", (left, right) => left && !right],
  ["~~", (left, right) => left !== right],
];

/** A set with the depth of its nesting, counted as Rust's `regex-syntax` does. */
interface Class {
  readonly set: CharSet;
  readonly depth: number;
}

/** A bracket that is open: the union being read, and the operator waiting for it. */
interface Bracket {
  readonly isNegated: boolean;
  ranges: number[];
  sets: CharSet[];
  items: number;
  depth: number;
  left?: Class & { readonly operator: SetOperator };
}

/** Reads a bracketed class, nested ones and set operations included. */
export class ClassParser {
  readonly #cursor: Cursor;
  readonly #flags: Flags;
  readonly #open: Bracket[] = [];

  constructor(cursor: Cursor, flags: Flags) {
    this.#cursor = cursor;
    this.#flags = flags;
  }

  /** The cursor is at the opening bracket, and ends after the closing one. */
  parse(): Class {
    this.#openBracket();
    for (;;) {
      this.#cursor.bumpSpace();
      const bracket = this.#open.at(-1);
      if (bracket === undefined || this.#cursor.atEnd) throw invalid();
      if (this.#cursor.at("]")) {
        const whole = this.#closeBracket(bracket);
        if (whole !== undefined) return whole;
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
    const isNegated = cursor.at("^");
    // Without Unicode a negated class would hold bytes that are no characters.
    if (isNegated && !this.#flags.has("u")) throw invalid();
    if (isNegated) more();
    const bracket: Bracket = { isNegated, ranges: [], sets: [], items: 0, depth: 0 };
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

  /** Returns the whole class once the outermost bracket is closed. */
  #closeBracket(bracket: Bracket): Class | undefined {
    this.#cursor.bump();
    const { set, depth } = endUnion(bracket);
    const closed = { set: bracket.isNegated ? negated(set) : set, depth: depth + 1 };
    this.#open.pop();
    const parent = this.#open.at(-1);
    if (parent === undefined) return closed;
    addSet(parent, closed);
    return undefined;
  }

  #parseOperator(bracket: Bracket): boolean {
    const found = OPERATORS.find(([text]) => this.#cursor.bumpIf(text));
    if (found === undefined) return false;
    const left = { ...endUnion(bracket), operator: found[1] };
    Object.assign(bracket, { ranges: [], sets: [], items: 0, depth: 0, left });
    return true;
  }

  /** `[:alpha:]`; anything that is not exactly such a class is an ordinary nested bracket. */
  #parseAsciiClass(bracket: Bracket): boolean {
    const cursor = this.#cursor;
    const start = cursor.position;
    if (cursor.bumpIf("[:")) {
      const isNegated = cursor.bumpIf("^");
      let name = "";
      while (!cursor.atEnd && !cursor.at(":")) {
        name += cursor.character;
        cursor.bump();
      }
      const set = asciiClass(name);
      if (set !== undefined && cursor.bumpIf(":]")) {
        if (isNegated && !this.#flags.has("u")) throw invalid();
        addSet(bracket, { set: isNegated ? negated(set) : set, depth: 0 });
        return true;
      }
    }
    cursor.position = start;
    return false;
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
    } else if ("set" in first) {
      addSet(bracket, { set: first.set, depth: 0 });
    } else {
      addRange(bracket, this.#codeOf(first), this.#codeOf(first));
    }
  }

  #parseOne(): Escape {
    if (this.#cursor.at("\\")) return parseEscape(this.#cursor, this.#flags);
    const code = this.#cursor.character.codePointAt(0);
    if (code === undefined) throw invalid();
    this.#cursor.bump();
    return { code };
  }

  #codeOf(item: Escape): number {
    if (!("code" in item) || (item.code > 0x7f && !this.#flags.has("u"))) throw invalid();
    return item.code;
  }
}

function addRange(bracket: Bracket, low: number, high: number): void {
  bracket.ranges.push(low, high);
  bracket.items++;
}

function addSet(bracket: Bracket, { set, depth }: Class): void {
  bracket.sets.push(set);
  bracket.items++;
  bracket.depth = Math.max(bracket.depth, depth);
}

/** The union that was read, with the operator that waited for it applied. */
function endUnion({ ranges, sets, items, depth: inner, left }: Bracket): Class {
  const right = union(ranges.length > 0 || sets.length === 0 ? [rangeSet(ranges), ...sets] : sets);
  const depth = items > 1 ? inner + 1 : inner;
  if (left === undefined) return { set: right, depth };
  return { set: combined(left.set, right, left.operator), depth: Math.max(depth, left.depth) + 1 };
}
