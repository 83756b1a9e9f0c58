import type { RegexCase } from "./reference.ts";

/** A source of choices that the same seed repeats (mulberry32). */
export class Choices {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `bound` less 1. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  }

  of<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("Cannot choose from nothing");
    return item;
  }
}

/** Pieces of patterns: those that are good, and those that the syntax refuses or that only look like it. */
interface Pieces {
  readonly good: readonly string[];
  readonly odd: readonly string[];
}

const CHARACTERS = [
  ..."aAbBkKsSzZ019_~& \t\n\r,:=é\u00dfẞσςΣſ\u212aΩ\u2126İıǅ日\u0301\u0661\u00a0\u2028\u{10400}\u{10428}😀\u{1f1e6}",
];
const META = [..."\\.+*?()|[]{}^$#&-~"];

// `gc!=Lu` is left out: the regex-syntax 0.8.5 of the reference takes it for `gc=Lu`, later versions do not.
const PROPERTIES: Pieces = {
  good: [
    ..."L Lu ll N Nd P S Z C Greek greek Latin latn sc=Grek scx:Latn gc=Lu Alphabetic alpha is_Lower White_Space IDS".split(
      " ",
    ),
    ..."Any Assigned ASCII ascii Emoji Cased_Letter LC sc cf Han XID_Start Script=Han punct Cn gc=any".split(" "),
    "Upper case",
  ],
  odd: ["Nope", "L=u", "", "isc", "c", "cs", "alpha=yes", "^L", "gc", "Script"],
};

const ESCAPES: Pieces = {
  good: [
    ..."\\d \\D \\w \\W \\s \\S \\n \\t \\r \\a \\f \\v \\x61 \\x{6B} \\u212A \\U0001F600 \\u{3c3} \\xE9 \\. \\- \\&".split(
      " ",
    ),
    ..."\\/ \\% \\_ \\pL \\PL \\pN".split(" "),
    "\\ ",
  ],
  odd: ["\\é", "\\e", "\\1", "\\8", "\\Q", "\\x{110000}", "\\u{d800}", "\\x6", "\\x{}", "\\p", "\\p{", "\\Z", "\\G"],
};

const ASSERTIONS: Pieces = {
  good: [
    ..."^ $ ^ $ \\A \\z \\b \\B \\< \\> \\b{start} \\b{end} \\b{start-half} \\b{end-half}".split(" "),
    "(?-u:\\b)",
    "(?-u:\\B)",
    "(?m:^)",
    "(?m:$)",
    "(?mR:^)",
    "(?mR:$)",
  ],
  odd: ["\\b{other}", "\\b{ start }", "\\b{2}"],
};

const REPEATS: Pieces = {
  good: ["*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{1,2}", "{0,3}", "{2,}", "{1,3}?", "{ 1 , 2 }"],
  odd: ["{,2}", "{2,1}", "{}", "{a}", "{1"],
};

const GROUPS: Pieces = {
  good: [..."( ( (?: (?i: (?-i: (?s: (?m: (?x: (?U: (?u: (?mR: (?sm: (?i-s: (?i-u:".split(" ")],
  odd: [
    "(?P<n>",
    "(?<m>",
    "(?<é.1>",
    "(?=",
    "(?!",
    "(?<=",
    "(?P=n",
    "(?P>",
    "(?ii:",
    "(?i-:",
    "(?>",
    "(?#",
    "( ?i:",
    "(?-u:",
  ],
};

const FLAGS: Pieces = {
  good: ["(?i)", "(?i)", "(?s)", "(?m)", "(?mR)", "(?R)", "(?U)", "(?x)", "(?-i)", "(?u)", "(?is-m)"],
  odd: ["(?)", "(?i-i)", "(?-u)", "(?i"],
};

const POSIX: Pieces = {
  good: [
    ..."[:alpha:] [:^alpha:] [:digit:] [:space:] [:^space:] [:punct:] [:upper:] [:lower:] [:word:] [:xdigit:]".split(
      " ",
    ),
    ..."[:cntrl:] [:graph:] [:^lower:] [:ascii:]".split(" "),
  ],
  odd: ["[:nope:]", "[:alpha]", "[:]"],
};

const RANGES: Pieces = {
  good: ["a-z", "A-Z", "0-9", "a-k", "K-s", "α-ω", "é-ſ", "\\x00-\\x7f", "!-~", "\u{10400}-\u{10450}"],
  odd: ["z-a", "\\d-z", "a - z", "a-\\d", "-", "a-"],
};

/** Patterns and texts that meet the corners of the syntax about as often as its middle. */
export class RandomRegex {
  readonly #choices: Choices;

  constructor(seed: number) {
    this.#choices = new Choices(seed);
  }

  next(): RegexCase {
    const pattern = this.#pattern();
    return { pattern, text: this.#text() };
  }

  #piece({ good, odd }: Pieces): string {
    return this.#choices.of(this.#chance(2) ? odd : good);
  }

  #chance(percent: number): boolean {
    return this.#choices.below(100) < percent;
  }

  #pattern(): string {
    const start = this.#chance(25) ? this.#piece(FLAGS) : "";
    const pattern = `${start}${this.#chance(20) ? "^" : ""}${this.#choice(3)}${this.#chance(20) ? "$" : ""}`;
    return this.#chance(8) ? this.#damage(pattern) : pattern;
  }

  #damage(pattern: string): string {
    const at = this.#choices.below(pattern.length + 1);
    const inserted = this.#choices.of([...META, ...META, "", "]", ")", "&&", "--"]);
    return pattern.slice(0, at) + inserted + pattern.slice(at + this.#choices.below(2));
  }

  #choice(depth: number): string {
    const branches = this.#chance(25) ? 2 + this.#choices.below(2) : 1;
    return Array.from({ length: branches }, () => this.#sequence(depth)).join("|");
  }

  #sequence(depth: number): string {
    return Array.from({ length: this.#choices.below(4) }, () => this.#repeated(depth)).join("");
  }

  #repeated(depth: number): string {
    return this.#atom(depth) + (this.#chance(30) ? this.#piece(REPEATS) : "");
  }

  #atom(depth: number): string {
    const kind = this.#choices.below(20);
    if (kind < 7) return this.#literal();
    if (kind < 8) return ".";
    if (kind < 10) return this.#escape();
    if (kind < 11) return this.#piece(ASSERTIONS);
    if (kind < 12) return this.#chance(50) ? this.#piece(FLAGS) : this.#literal();
    if (kind < 16 || depth === 0) return this.#class(3);
    return `${this.#piece(GROUPS)}${this.#choice(depth - 1)})`;
  }

  #literal(): string {
    return this.#choices.of(CHARACTERS);
  }

  #escape(): string {
    if (this.#chance(70)) return this.#piece(ESCAPES);
    return `\\${this.#chance(50) ? "p" : "P"}{${this.#piece(PROPERTIES)}}`;
  }

  #class(depth: number): string {
    const sets = this.#chance(25) ? 2 : 1;
    const body = Array.from({ length: sets }, () => this.#union(depth)).join(this.#choices.of(["&&", "--", "~~"]));
    return `[${this.#chance(25) ? "^" : ""}${this.#chance(6) ? "]" : ""}${this.#chance(6) ? "-" : ""}${body}]`;
  }

  #union(depth: number): string {
    return Array.from({ length: 1 + this.#choices.below(3) }, () => this.#classItem(depth)).join("");
  }

  #classItem(depth: number): string {
    const kind = this.#choices.below(16);
    if (kind < 5) return this.#literal();
    if (kind < 8) return this.#piece(RANGES);
    if (kind < 11) return this.#escape();
    if (kind < 13) return this.#piece(POSIX);
    return depth === 0 ? "b" : this.#class(depth - 1);
  }

  #text(): string {
    return Array.from({ length: this.#choices.below(7) }, () => this.#choices.of(CHARACTERS)).join("");
  }
}
