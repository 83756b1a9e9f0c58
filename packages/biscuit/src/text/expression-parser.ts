import type { Op } from "../datalog/model.ts";
import { type BinaryName, isBinary, isUnary } from "../datalog/operators.ts";
import type { DatalogError } from "../errors.ts";
import type { Cursor } from "./cursor.ts";
import { parseTerm, parseVariableName } from "./term-parser.ts";

/** How deep parentheses, negations, arguments of methods and closures may nest in text. */
const MAX_DEPTH = 100;

/**
 * The infix operators by how tightly they bind, loosest first; each pattern takes one operator and no other's prefix.
 * `&&!` and `||!` are an operator and a negation, as in the reference: the eager operators have no text.
 */
const LEVELS: readonly RegExp[] = [
  /\|\|/y,
  /&&/y,
  /<=|>=|===|!==|==|!=|<|>/y,
  /\^/y,
  /\|(?!\|)/y,
  /&(?!&)/y,
  /[+-]/y,
  /[*/]/y,
];

/** Comparisons cannot be chained. */
const COMPARISON_LEVEL = 2;

/** The operand of `!` is a whole sum, as in the reference: `!$a + $b` is `!($a + $b)`. */
const SUM_LEVEL = 6;

const METHOD = /extern::([\w:]+)|(\w+)/y;

function append(target: Op[], ops: readonly Op[]): void {
  for (const op of ops) target.push(op);
}

class ExpressionParser {
  readonly #cursor: Cursor;
  #depth = 0;
  /** How deep closures nest in each closure, itself counted. */
  readonly #depths = new Map<Op, number>();

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** Parses operators from this level on; recursion over levels is constant, over operands bounded by the depth. */
  level(level: number): Op[] {
    const pattern = LEVELS[level];
    if (pattern === undefined) return this.#operand();
    const ops = this.level(level + 1);
    for (;;) {
      const start = this.#cursor.offset;
      this.#cursor.skipSpace();
      const symbol = this.#cursor.take(pattern)?.[0];
      if (symbol === undefined || !isBinary(symbol)) {
        this.#cursor.offset = start;
        return ops;
      }
      const right = this.level(level + 1);
      if (symbol === "&&" || symbol === "||") ops.push(this.#closure([], right));
      else append(ops, right);
      ops.push({ kind: "binary", op: symbol });
      if (level === COMPARISON_LEVEL) return ops;
    }
  }

  /** What comes before `.try_or()` ends up in its closure, so that a chain of them nests without any parentheses. */
  #closure(params: readonly string[], ops: readonly Op[]): Op {
    const depth = ops.reduce((deepest, op) => Math.max(deepest, this.#depths.get(op) ?? 0), 0) + 1;
    if (depth > MAX_DEPTH) throw this.#tooDeep();
    const closure: Op = { kind: "closure", params, ops };
    this.#depths.set(closure, depth);
    return closure;
  }

  #tooDeep(): DatalogError {
    return this.#cursor.error(`Cannot nest expressions deeper than ${MAX_DEPTH}`);
  }

  #nested<T>(parse: () => T): T {
    this.#depth++;
    if (this.#depth > MAX_DEPTH) throw this.#tooDeep();
    const result = parse();
    this.#depth--;
    return result;
  }

  #operand(): Op[] {
    this.#cursor.skipSpace();
    if (!this.#cursor.sees(/!/y)) return this.#methods();
    this.#cursor.offset++;
    const ops = this.#nested(() => this.level(SUM_LEVEL));
    ops.push({ kind: "unary", op: "!" });
    return ops;
  }

  #primary(): Op[] {
    if (!this.#cursor.takeText("(")) return [{ kind: "value", term: parseTerm(this.#cursor, true) }];
    const ops = this.#nested(() => this.level(0));
    this.#cursor.expect(")", "to close the parenthesis");
    ops.push({ kind: "unary", op: "()" });
    return ops;
  }

  #methods(): Op[] {
    let ops = this.#primary();
    while (this.#cursor.takeText(".")) ops = this.#method(ops);
    return ops;
  }

  #method(receiver: Op[]): Op[] {
    const start = this.#cursor.offset;
    const match = this.#cursor.take(METHOD);
    this.#cursor.expect("(", "after the name of a method");
    this.#cursor.skipSpace();
    const extern = match?.[1];
    if (extern !== undefined) return this.#extern(receiver, extern);
    const name = match?.[2] ?? "";
    if (name !== "extern" && isBinary(name)) return this.#binaryMethod(receiver, name);
    if (name === "extern" || !isUnary(name)) {
      throw this.#cursor.error(`Cannot find a method of this name: ${name}`, start);
    }
    this.#cursor.expect(")", `because .${name}() takes nothing`);
    receiver.push({ kind: "unary", op: name });
    return receiver;
  }

  #extern(receiver: Op[], extern: string): Op[] {
    if (this.#cursor.takeText(")")) receiver.push({ kind: "unary", op: "extern", extern });
    else {
      append(receiver, this.#argument());
      receiver.push({ kind: "binary", op: "extern", extern });
    }
    return receiver;
  }

  #binaryMethod(receiver: Op[], op: BinaryName): Op[] {
    if (op === "all" || op === "any") receiver.push(this.#quantified());
    else if (op === "try_or") return [this.#closure([], receiver), ...this.#argument(), { kind: "binary", op }];
    else append(receiver, this.#argument());
    receiver.push({ kind: "binary", op });
    return receiver;
  }

  #argument(): Op[] {
    const ops = this.#nested(() => this.level(0));
    this.#cursor.expect(")", "after the argument of a method");
    return ops;
  }

  #quantified(): Op {
    const param = parseVariableName(this.#cursor);
    if (param === undefined) throw this.#cursor.unexpected("Expected a parameter such as $p, then ->");
    this.#cursor.expect("->", "after the parameter of a closure");
    return this.#closure([param], this.#argument());
  }
}

/** Parses an expression into postfix order. */
export function parseExpression(cursor: Cursor): Op[] {
  return new ExpressionParser(cursor).level(0);
}
