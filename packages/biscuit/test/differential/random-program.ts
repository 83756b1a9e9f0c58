import { Choices, RandomRegex } from "../regex/random-pattern.ts";

/** Kinds of values, so that most expressions have a type. */
type Kind = "integer" | "string" | "date" | "bytes" | "boolean" | "set" | "array" | "map" | "null";

const KINDS: readonly Kind[] = ["integer", "string", "date", "bytes", "boolean", "set", "array", "map", "null"];

const INTEGERS = [
  ..."0 1 2 3 -1 -2 7 64 255 1000000 2147483647 -2147483648 4294967296 9007199254740991 9007199254740992".split(" "),
  ..."-9007199254740993 9223372036854775807 -9223372036854775808 4611686018427387904 3037000500".split(" "),
];
const STRINGS = [
  ..."a b ab read write resource file1 file2 /a/file1.txt é ß 日本 😀 a1 hello 0".split(" "),
  "",
  "two words",
];
const DATES = [
  "1970-01-01T00:00:00Z",
  "2026-11-22T10:00:00Z",
  "2026-11-22T12:00:00+02:00",
  "2030-02-28T23:59:59-01:30",
  "9999-12-31T23:59:59Z",
];
const BYTES = ["hex:00", "hex:ff", "hex:00ff", "hex:abcdef0123"];
const RELATIONS = [
  { name: "p", arity: 1 },
  { name: "q", arity: 2 },
  { name: "r", arity: 3 },
  { name: "right", arity: 2 },
  { name: "resource", arity: 1 },
  { name: "ns::fact", arity: 1 },
] as const;
const VARIABLES = ["$a", "$b", "$c", "$x"];
const COMPARISONS = ["<", ">", "<=", ">=", "==", "!=", "===", "!=="];
const EQUALITIES = ["==", "!=", "===", "!=="];
const ARITHMETIC = ["+", "-", "*", "/", "&", "|", "^"];

/** Datalog text at random; the same seed gives the same texts. */
export class RandomProgram extends Choices {
  readonly #keys: readonly string[];
  readonly #regex: RandomRegex;

  /** @param keys What `trusting` may name beside the words. */
  constructor(seed: number, keys: readonly string[]) {
    super(seed);
    this.#keys = keys;
    this.#regex = new RandomRegex(seed);
  }

  #chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  #many<Item>(maxCount: number, item: () => Item): Item[] {
    return Array.from({ length: this.below(maxCount + 1) }, item);
  }

  /** A literal of this kind. */
  literal(kind: Kind, depth = 2): string {
    switch (kind) {
      case "integer":
        return this.#chance(60) ? String(this.below(5)) : this.of(INTEGERS);
      case "string":
        return `"${this.of(STRINGS)}"`;
      case "date":
        return this.of(DATES);
      case "bytes":
        return this.of(BYTES);
      case "boolean":
        return this.of(["true", "false"]);
      case "null":
        return "null";
      case "set": {
        const kinds = this.of<Kind>(["integer", "string", "date", "bytes", "boolean", "null", "map"]);
        const items = this.#many(3, () => this.literal(depth > 0 ? kinds : "integer", depth - 1));
        // Between braces the reference takes one word, or one row of hexadecimal digits, for the name of a parameter.
        if (items.length === 1 && /^[a-z]/.test(items[0] ?? "")) items.push(...items);
        return items.length === 0 ? "{,}" : `{${items.join(", ")}}`;
      }
      case "array":
        return `[${this.#many(3, () => this.literal(this.#kind(depth), depth - 1)).join(", ")}]`;
      case "map":
        // The reference has no text for the empty map.
        return `{${Array.from({ length: 1 + this.below(3) }, () => `${this.literal(this.of(["integer", "string"]))}: ${this.literal(this.#kind(depth), depth - 1)}`).join(", ")}}`;
    }
  }

  #kind(depth: number): Kind {
    return depth > 0 ? this.of(KINDS) : this.of(["integer", "string", "boolean"]);
  }

  #fact(): string {
    const { name, arity } = this.of(RELATIONS);
    const terms = Array.from({ length: arity }, () =>
      this.literal(this.#chance(75) ? this.of(["integer", "string"]) : this.of(KINDS), 1),
    );
    return `${name}(${terms.join(", ")})`;
  }

  #pattern(bound: Set<string>): string {
    const { name, arity } = this.of(RELATIONS);
    const terms = Array.from({ length: arity }, () => {
      if (this.#chance(25)) return this.literal(this.of(["integer", "string"]));
      const variable = this.of(VARIABLES);
      bound.add(variable);
      return variable;
    });
    return `${name}(${terms.join(", ")})`;
  }

  /** An expression of this kind, most of the time. */
  expression(kind: Kind, depth: number, bound: readonly string[]): string {
    if (this.#chance(3)) return this.expression(this.of(KINDS), depth, bound);
    if (bound.length > 0 && this.#chance(15)) return this.of(bound);
    if (depth <= 0) return this.literal(kind, 1);
    const inner = (of: Kind): string => {
      const text = this.expression(of, depth - 1, bound);
      return this.#chance(45) ? `(${text})` : text;
    };
    const receiver = (of: Kind): string =>
      // The reference reads a date up to the next space or bracket, so that no method can follow one.
      this.#chance(60) && of !== "date" ? this.literal(of, 1) : `(${this.expression(of, depth - 1, bound)})`;
    const any = (): Kind => this.of(KINDS);
    const choices: Readonly<Record<Kind, readonly (() => string)[]>> = {
      integer: [
        () => `${inner("integer")} ${this.of(ARITHMETIC)} ${inner("integer")}`,
        () => `${receiver(this.of(["string", "bytes", "set", "array", "map"]))}.length()`,
        () => `${receiver("array")}.get(${inner("integer")})`,
        () => `${receiver("map")}.get(${inner(this.of(["integer", "string"]))})`,
        () => `${receiver("integer")}.try_or(${inner("integer")})`,
      ],
      string: [
        () => `${inner("string")} + ${inner("string")}`,
        () => `${receiver(any())}.type()`,
        () => `${receiver("map")}.get(${inner("string")})`,
      ],
      boolean: [
        () => `${inner("integer")} ${this.of(COMPARISONS)} ${inner("integer")}`,
        () => `${inner("date")} ${this.of(COMPARISONS)} ${inner("date")}`,
        () => this.#equality(inner),
        () => `${inner("boolean")} ${this.of(["&&", "||", "&&", "||", "=="])} ${inner("boolean")}`,
        () => `!${inner("boolean")}`,
        () => `${receiver("string")}.${this.of(["contains", "starts_with", "ends_with"])}(${inner("string")})`,
        () => this.#matches(),
        () => `${receiver("set")}.contains(${inner(this.of(["set", "integer", "string", "bytes", "date"]))})`,
        () => `${receiver("array")}.${this.of(["contains", "starts_with", "ends_with"])}(${inner("array")})`,
        () => `${receiver(this.of(["array", "map"]))}.contains(${inner(any())})`,
        () => this.#quantifier(receiver, depth, bound),
        () => `${receiver("boolean")}.try_or(${inner("boolean")})`,
      ],
      set: [
        () => `${receiver("set")}.${this.of(["union", "intersection"])}(${inner("set")})`,
        () => `${receiver("array")}.get(${inner("integer")})`,
      ],
      date: [() => `${receiver("array")}.get(0)`],
      bytes: [() => `${receiver("map")}.get(${inner("integer")})`],
      array: [() => `${receiver("map")}.get("a")`, () => `${receiver("array")}.get(1)`],
      map: [() => `${receiver("array")}.get(${inner("integer")})`],
      null: [() => `${receiver("array")}.get(-1)`, () => `${receiver("map")}.get("zz")`],
    };
    return this.#chance(20) ? this.literal(kind, 1) : this.of(choices[kind])();
  }

  #equality(inner: (kind: Kind) => string): string {
    const kind = this.of(KINDS);
    return `${inner(kind)} ${this.of(EQUALITIES)} ${inner(this.#chance(80) ? kind : this.of(KINDS))}`;
  }

  /** A pattern that needs no escape in Datalog text. */
  #matches(): string {
    const { pattern, text } = this.#regex.next();
    const plain = [pattern, text]
      .map((part) => part.toWellFormed())
      .map((part) => part.replace(/[\\"\n]/g, (unit) => (unit === "\n" ? "\\n" : `\\${unit}`)));
    return `"${plain[1]}".matches("${plain[0]}")`;
  }

  #quantifier(receiver: (kind: Kind) => string, depth: number, bound: readonly string[]): string {
    const param = this.#chance(92) ? `$p${depth}` : this.of([...bound, "$a"]);
    const body = this.expression("boolean", depth - 1, [...bound, param]);
    return `${receiver(this.of(["set", "array", "map"]))}.${this.of(["any", "all"])}(${param} -> ${body})`;
  }

  #scopes(): string {
    if (!this.#chance(15)) return "";
    const scopes = [this.of(["authority", "previous", ...this.#keys]), ...this.#many(1, () => this.of(this.#keys))];
    return ` trusting ${scopes.join(", ")}`;
  }

  #body(): { readonly text: string; readonly bound: readonly string[] } {
    const names = new Set<string>();
    const predicates = Array.from({ length: 1 + this.below(2) }, () => this.#pattern(names));
    const bound = [...names];
    const expressions = this.#many(2, () => this.expression("boolean", 2, bound));
    return { text: [...predicates, ...expressions].join(", ") + this.#scopes(), bound };
  }

  #rule(): string {
    const { text, bound } = this.#body();
    const { name, arity } = this.of(RELATIONS);
    const terms = Array.from({ length: arity }, () =>
      bound.length > 0 && this.#chance(75) ? this.of(bound) : this.literal(this.of(["integer", "string"])),
    );
    return `${name}(${terms.join(", ")}) <- ${text}`;
  }

  #query(): string {
    if (this.#chance(50)) return this.#body().text;
    return this.expression("boolean", 3, []) + this.#scopes();
  }

  #queries(): string {
    return [this.#query(), ...this.#many(1, () => this.#query())].join(" or ");
  }

  #check(): string {
    return `${this.of(["check if", "check if", "check all", "reject if"])} ${this.#queries()}`;
  }

  /** A block: few checks, so that decisions are not all refusals. */
  block(): string {
    const statements = [
      ...this.#many(4, () => this.#fact()),
      ...this.#many(2, () => this.#rule()),
      ...this.#many(1, () => this.#check()),
    ];
    return statements.map((statement) => `${statement};\n`).join("");
  }

  /** An authorizer, with at least one policy most of the time. */
  authorizer(): string {
    const policies = Array.from({ length: 1 + this.below(3) }, () =>
      this.#chance(40) ? "allow if true" : `${this.of(["allow", "allow", "deny"])} if ${this.#queries()}`,
    );
    return `${this.block()}${policies.map((policy) => `${policy};\n`).join("")}`;
  }

  /** The same text with a few characters changed, so that much of it does not parse. */
  damaged(source: string): string {
    const units = [...source];
    for (let i = 0; i <= this.below(3); i++) {
      const at = this.below(units.length + 1);
      const piece = this.of([
        ...'(){}[],;:.$"!&|=<>-+*/ \n_aé0',
        "//",
        "/*",
        "*/",
        "<-",
        "->",
        "or ",
        "null",
        "hex:",
        "{,}",
      ]);
      if (this.#chance(40)) units.splice(at, 1);
      else if (this.#chance(50)) units.splice(at, 1, piece);
      else units.splice(at, 0, piece);
    }
    return units.join("");
  }
}
