import { isSpace } from "./unicode.ts";

/** Thrown inside the parser only: the pattern is not of the syntax. */
export class InvalidPattern extends Error {}

/** Without a message, as nobody sees it: a bad pattern only makes `.matches()` false. */
export function invalid(): InvalidPattern {
  return new InvalidPattern();
}

/** A place in a pattern, moved by characters (code points); in verbose mode it can skip white space and comments. */
export class Cursor {
  readonly #characters: readonly string[];
  #at = 0;
  verbose = false;

  constructor(pattern: string) {
    this.#characters = [...pattern];
  }

  /** The character here, or the empty string at the end. */
  get character(): string {
    return this.#characters[this.#at] ?? "";
  }

  /** Whether this is the character here. */
  at(character: string): boolean {
    return this.#characters[this.#at] === character;
  }

  get atEnd(): boolean {
    return this.#at >= this.#characters.length;
  }

  get position(): number {
    return this.#at;
  }

  set position(at: number) {
    this.#at = at;
  }

  /** Moves one character on; false at the end. */
  bump(): boolean {
    if (!this.atEnd) this.#at++;
    return !this.atEnd;
  }

  bumpIf(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#characters[this.#at + i] !== text[i]) return false;
    this.#at += text.length;
    return true;
  }

  /** In verbose mode, moves past white space and comments. */
  bumpSpace(): void {
    if (!this.verbose) return;
    while (!this.atEnd) {
      if (isSpace(this.character)) this.bump();
      else if (this.character === "#") this.#bumpComment();
      else return;
    }
  }

  #bumpComment(): void {
    while (this.character !== "\n" && this.bump());
    this.bump();
  }

  bumpAndSpace(): boolean {
    if (!this.bump()) return false;
    this.bumpSpace();
    return !this.atEnd;
  }

  /** The character after this one. */
  peek(): string {
    return this.#characters[this.#at + 1] ?? "";
  }

  /** The same past the white space of verbose mode; the text of a comment is not skipped, as Rust does not either. */
  peekPastSpace(): string {
    if (!this.verbose) return this.peek();
    let inComment = false;
    for (let i = this.#at + 1; i < this.#characters.length; i++) {
      const character = this.#characters[i] ?? "";
      if (isSpace(character)) continue;
      if (inComment || character !== "#") return character;
      inComment = true;
    }
    return this.peek();
  }
}
