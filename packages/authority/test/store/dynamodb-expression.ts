/** An item as the wire has it. */
export type Attributes = Readonly<Record<string, Value>>;

interface Value {
  readonly S?: string;
  readonly N?: string;
}

interface Names {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Attributes;
}

/** Whether an item meets an expression of DynamoDB: comparisons, attribute_exists and its contrary, AND, OR, brackets. */
export function evaluate(expression: string, item: Attributes, names: Names): boolean {
  const words = expression.match(/\(|\)|<=|>=|<>|=|<|>|[#:\w]+/g) ?? [];
  const parser = new Parser(words, item, names);
  const verdict = parser.either();
  if (!parser.isAtEnd) throw new Error(`Cannot read the expression: ${expression}`);
  return verdict;
}

class Parser {
  readonly #words: readonly string[];
  readonly #item: Attributes;
  readonly #names: Names;
  #at = 0;

  constructor(words: readonly string[], item: Attributes, names: Names) {
    this.#words = words;
    this.#item = item;
    this.#names = names;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#words.length;
  }

  either(): boolean {
    let verdict = this.#both();
    while (this.#take("OR")) verdict = this.#both() || verdict;
    return verdict;
  }

  #both(): boolean {
    let verdict = this.#one();
    while (this.#take("AND")) verdict = this.#one() && verdict;
    return verdict;
  }

  #one(): boolean {
    if (this.#take("(")) {
      const verdict = this.either();
      this.#expect(")");
      return verdict;
    }
    const word = this.#next();
    if (word === "attribute_exists" || word === "attribute_not_exists") {
      this.#expect("(");
      const exists = this.#attribute(this.#next()) !== undefined;
      this.#expect(")");
      return exists === (word === "attribute_exists");
    }
    const left = this.#attribute(word);
    const operator = this.#next();
    const right = this.#names.ExpressionAttributeValues?.[this.#next()];
    // A comparison with what is absent, or of another type, is false and no error.
    if (left === undefined || right === undefined || (left.S === undefined) !== (right.S === undefined)) return false;
    return compares(operator, left.S === undefined ? Number(left.N) - Number(right.N) : compareKeys(left, right));
  }

  #attribute(word: string): Value | undefined {
    return this.#item[word.startsWith("#") ? (this.#names.ExpressionAttributeNames?.[word] ?? "") : word];
  }

  #next(): string {
    return this.#words[this.#at++] ?? "";
  }

  #take(word: string): boolean {
    if (this.#words[this.#at] !== word) return false;
    this.#at += 1;
    return true;
  }

  #expect(word: string): void {
    if (!this.#take(word)) throw new Error(`Cannot read the expression at ${this.#words[this.#at]}`);
  }
}

function compares(operator: string, difference: number): boolean {
  if (operator === "=") return difference === 0;
  if (operator === "<") return difference < 0;
  if (operator === "<=") return difference <= 0;
  if (operator === ">") return difference > 0;
  if (operator === ">=") return difference >= 0;
  throw new Error(`Cannot compare by ${operator}`);
}

/** By the bytes of their UTF-8. */
export function compareKeys(a: Value | undefined, b: Value | undefined): number {
  return Buffer.compare(Buffer.from(a?.S ?? ""), Buffer.from(b?.S ?? ""));
}
