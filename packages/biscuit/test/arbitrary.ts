import fc from "fast-check";
import { unboundVariables } from "../src/datalog/compile.ts";
import type { Check, Expression, Op, Predicate, Rule } from "../src/datalog/model.ts";
import { checkedSet, makeMap, makeSet, type Term, Timestamp, Variable } from "../src/datalog/term.ts";

const text = fc.string({ unit: "grapheme", maxLength: 8 }).map((value) => value.toWellFormed());
const integer = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((value) =>
    value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= -BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value,
  );
const smallInteger = fc.integer({ min: -3, max: 3 });
const date = fc.integer({ min: 0, max: 253_402_300_799 }).map((seconds) => new Timestamp(seconds));
const bytes = fc.uint8Array({ minLength: 1, maxLength: 6 });

const kinds: readonly fc.Arbitrary<Term>[] = [smallInteger, integer, text, fc.boolean(), date, bytes];

const set: fc.Arbitrary<Term> = fc
  .oneof(...kinds.map((kind) => fc.array(kind, { maxLength: 4 })))
  .map((items) => checkedSet(makeSet(items)));

/** Any term without variables, of a size that nests a few levels. */
export const anyTerm: fc.Arbitrary<Term> = fc.letrec<{ term: Term }>((tie) => ({
  term: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    ...kinds,
    fc.constant(null),
    set,
    fc.array(tie("term"), { maxLength: 3 }),
    fc.array(fc.tuple(fc.oneof(text, integer), tie("term")), { maxLength: 3 }).map((entries) => makeMap(entries)),
  ),
})).term;

const names = fc.constantFrom("read", "p", "q", "ns::r", "x1");
const variable = fc.constantFrom("a", "b", "c").map((name) => new Variable(name));

/** A fact. */
export const anyFact: fc.Arbitrary<Predicate> = fc.record({
  name: names,
  terms: fc.array(anyTerm, { minLength: 1, maxLength: 3 }),
});

const pattern: fc.Arbitrary<Predicate> = fc.record({
  name: names,
  terms: fc.array(fc.oneof(variable, anyTerm), { minLength: 1, maxLength: 3 }),
});

const value = (term: Term): Op => ({ kind: "value", term });
const parens = (ops: Expression): Expression => [...ops, { kind: "unary", op: "()" }];
const lazily = (ops: Expression): Op => ({ kind: "closure", params: [], ops });

/** An expression as the parser makes it, with parentheses around every operand that is one itself. */
const anyExpression: fc.Arbitrary<Expression> = fc.letrec<{ expression: Expression; operand: Expression }>((tie) => ({
  operand: fc.oneof(
    { depthSize: "small" },
    fc.oneof(variable, anyTerm).map((term) => [value(term)]),
    tie("expression").map(parens),
  ),
  expression: fc.oneof(
    { depthSize: "small" },
    tie("operand"),
    fc
      .tuple(tie("operand"), tie("operand"), fc.constantFrom("<", "+", "*", "==", "===", "^"))
      .map(([left, right, op]): Expression => [...left, ...right, { kind: "binary", op }]),
    fc
      .tuple(tie("operand"), tie("operand"), fc.constantFrom("&&", "||"))
      .map(([left, right, op]): Expression => [...left, lazily(right), { kind: "binary", op }]),
    fc
      .tuple(tie("operand"), tie("expression"), fc.constantFrom("contains", "get", "union", "starts_with"))
      .map(([left, right, op]): Expression => [...left, ...right, { kind: "binary", op }]),
    fc
      .tuple(tie("operand"), tie("expression"))
      .map(([left, right]): Expression => [lazily(left), ...right, { kind: "binary", op: "try_or" }]),
    fc
      .tuple(tie("operand"), tie("expression"), fc.constantFrom("all", "any"))
      .map(
        ([left, right, op]): Expression => [
          ...left,
          { kind: "closure", params: ["p"], ops: right },
          { kind: "binary", op },
        ],
      ),
    tie("operand").map((ops): Expression => [...ops, { kind: "unary", op: "type" }]),
    tie("operand").map((ops): Expression => [...ops, { kind: "unary", op: "!" }]),
    tie("operand").map((ops): Expression => [...ops, { kind: "unary", op: "extern", extern: "f" }]),
  ),
})).expression;

const query: fc.Arbitrary<Rule> = fc
  .record({
    body: fc.array(pattern, { maxLength: 2 }),
    expressions: fc.array(anyExpression, { maxLength: 2 }),
    scopes: fc.constantFrom([], ["authority"] as const, ["previous", "authority"] as const),
  })
  .filter(({ body, expressions }) => body.length + expressions.length > 0)
  .map((parts) => ({ ...parts, head: { name: "query", terms: [] } }));

/** A check. */
export const anyCheck: fc.Arbitrary<Check> = fc.record({
  kind: fc.constantFrom("check if", "check all", "reject if"),
  queries: fc.array(query, { minLength: 1, maxLength: 2 }),
});

/** A rule whose head is bound by its body. */
export const anyRule: fc.Arbitrary<Rule> = query
  .filter(({ body }) => body.length > 0)
  .map((rule) => ({
    ...rule,
    head: {
      name: "p",
      terms: [1, ...rule.body.flatMap(({ terms }) => terms.filter((term) => term instanceof Variable))],
    },
  }))
  .filter((rule) => unboundVariables(rule).length === 0);
