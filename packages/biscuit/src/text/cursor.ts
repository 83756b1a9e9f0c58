import { DatalogError, type SourcePosition } from "../errors.ts";

/** The line and column of an offset. */
function positionAt(text: string, offset: number): SourcePosition {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  const line = before.split("\n").length;
  return { offset, line, column: offset - lineStart + 1 };
}

const SPACE = /(?:[ \t\r\n]+|\/\/[^\r\n]*|\/\*[\s\S]*?\*\/)*/y;

/** A place in Datalog source text. */
export class Cursor {
  readonly text: string;
  offset = 0;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.offset >= this.text.length;
  }

  /** Passes over white space and comments. */
  skipSpace(): void {
    this.take(SPACE);
  }

  /** Takes what a sticky pattern matches here. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.offset;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.offset = pattern.lastIndex;
    return match;
  }

  /** Whether a sticky pattern matches here. */
  sees(pattern: RegExp): boolean {
    pattern.lastIndex = this.offset;
    return pattern.test(this.text);
  }

  /** Takes this very text, if it is next. */
  takeText(text: string): boolean {
    if (!this.text.startsWith(text, this.offset)) return false;
    this.offset += text.length;
    return true;
  }

  /** Takes this very text after white space, or fails saying what it stands for. */
  expect(text: string, purpose: string): void {
    this.skipSpace();
    if (!this.takeText(text)) throw this.error(`Expected "${text}" ${purpose}, got ${this.#found()}`);
  }

  /** An error at this place, or at an earlier one. */
  error(message: string, offset = this.offset): DatalogError {
    return new DatalogError("syntax", message, positionAt(this.text, offset));
  }

  /** An error that ends with what was found instead. */
  unexpected(expectation: string): DatalogError {
    return this.error(`${expectation}, got ${this.#found()}`);
  }

  #found(): string {
    if (this.atEnd) return "the end of the text";
    const word = /[\w:]+|[^\w\s]/y;
    word.lastIndex = this.offset;
    const found = word.exec(this.text)?.[0] ?? this.text.charAt(this.offset);
    return `"${found.length > 20 ? `${found.slice(0, 20)}…` : found}"`;
  }
}
