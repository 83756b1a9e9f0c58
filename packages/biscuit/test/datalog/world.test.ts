import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Authorizer, Biscuit, type ExternFunction } from "@countersign/biscuit";
import { rootKey } from "../forge.ts";

const rows = (code: string, query: string): unknown[] =>
  new Authorizer(code)
    .evaluateWithoutToken()
    .query(query)
    .map(({ terms }) => terms.join(" "))
    .sort();

describe("World", () => {
  it("finds the whole transitive closure, each fact once", () => {
    const edges = Array.from({ length: 12 }, (_, i) => `edge(${i}, ${i + 1});`).join(" ");
    const closure = rows(
      `${edges} path($a, $b) <- edge($a, $b); path($a, $c) <- path($a, $b), path($b, $c);`,
      "d($a, $b) <- path($a, $b)",
    );
    assert.equal(closure.length, (13 * 12) / 2);
  });

  it("joins on repeated variables, constants and composite terms", () => {
    const facts = `f(1, 1, [1]); f(1, 2, [1]); f(2, 2, [2]); g([1], "x"); g([2], "y");`;
    assert.deepEqual(rows(facts, `d($a, $t) <- f($a, $a, $l), g($l, $t)`), ["1 x", "2 y"]);
    assert.deepEqual(rows(facts, `d($a) <- f($a, 2, [1])`), ["1"]);
  });

  it("joins alike below and above the size at which it indexes", () => {
    for (const size of [5, 8, 9, 50]) {
      const facts = Array.from({ length: size }, (_, i) => `p(${i}, ${i % 5}); q(${i % 5}, "v${i}");`).join(" ");
      assert.equal(rows(facts, "d($i, $v) <- p($i, $k), q($k, $v)").length, pairs(size));
    }
  });

  it("takes a rule without predicates once", () => {
    assert.deepEqual(rows(`a(1) <- true; b($x) <- a($x);`, "d($x) <- b($x)"), ["1"]);
  });

  it("counts rounds and facts as the reference does", () => {
    const chain = Array.from({ length: 120 }, (_, i) => `n(${i}, ${i + 1});`).join(" ");
    const decision = new Authorizer(
      `${chain} at(0); at($y) <- at($x), n($x, $y); allow if true;`,
    ).authorizeWithoutToken();
    assert.equal(decision.error?.code, "iterations");
    const many = Array.from({ length: 1500 }, (_, i) => `n(${i});`).join(" ");
    assert.equal(new Authorizer(`${many} allow if true;`).authorizeWithoutToken().allowed, true);
    assert.equal(new Authorizer(`${many} m(1) <- true; allow if true;`).authorizeWithoutToken().error?.code, "facts");
  });

  it("keeps the same fact of two origins apart, and derives with the union of origins", () => {
    const token = Biscuit.builder()
      .code(`a(1); c($x) <- a($x), b($x);`)
      .buildSync(rootKey)
      .attenuateSync(`a(1); b(1); d($x) <- a($x), b($x);`);
    const { facts } = new Authorizer(`b(1); allow if true;`).evaluate(token).dump();
    const origins = Object.fromEntries(
      facts.map(({ origin, facts }) => [origin.map((block) => block ?? "authorizer").join(), facts]),
    );
    assert.deepEqual(origins, {
      "0": ["a(1)"],
      authorizer: ["b(1)"],
      "authorizer,0": ["c(1)"],
      "0,1": ["d(1)"],
      "1": ["a(1)", "b(1)", "d(1)"],
      "authorizer,1": ["d(1)"],
      "authorizer,0,1": ["d(1)"],
    });
  });

  it("holds tokens of more blocks than a machine word has bits", () => {
    let token = Biscuit.builder().code("a(0);").buildSync(rootKey);
    for (let i = 1; i < 40; i++) token = token.attenuateSync(`a(${i}); check if a(${i}), a(0) trusting previous;`);
    const evaluation = new Authorizer("allow if a(0);").evaluate(token);
    assert.equal(evaluation.decide().allowed, true);
    assert.equal(evaluation.queryAll("d($x) <- a($x)").length, 40);
    assert.equal(evaluation.query("d($x) <- a($x)").length, 1);
  });
});

/** The pairs of numbers below `size` that are equal modulo five. */
function pairs(size: number): number {
  const groups = Array.from({ length: 5 }, (_, k) => Math.ceil((size - k) / 5));
  return groups.reduce((sum, group) => sum + group * group, 0);
}

describe("extern functions", () => {
  const judge = (code: string, externs: Record<string, ExternFunction>) =>
    new Authorizer(`check if ${code}; allow if true;`, { externs }).authorizeWithoutToken();

  it("take and give every kind of value", () => {
    const echo: ExternFunction = (left) => left;
    for (const term of [
      "1",
      '"a"',
      "true",
      "null",
      "hex:ab",
      "[1, [2]]",
      "{1, 2}",
      '{"a": {1: true}}',
      "2020-01-01T00:00:00Z",
    ]) {
      assert.equal(judge(`${term}.extern::echo() == ${term}`, { echo }).allowed, true, term);
    }
  });

  it("that give a set with several types in it, or with sets, fail", () => {
    for (const items of [[1, "a"], [new Set([1])]]) {
      const { error } = judge("1.extern::f().length() == 2", {
        f: () => new Set<number | string | Set<number>>(items),
      });
      assert.equal(error?.code, "extern_failed");
    }
  });

  it("that throw, or give what is no term, fail the expression", () => {
    const throws: ExternFunction = () => {
      throw new Error("no such user");
    };
    assert.equal(judge("1.extern::f()", { f: throws }).error?.code, "extern_failed");
    assert.equal(judge("1.extern::f()", { f: () => 0.5 }).error?.code, "extern_failed");
    assert.equal(judge("(1.extern::f()).try_or(true)", { f: throws }).allowed, true);
    assert.equal(judge("1.extern::toString()", {}).error?.code, "undefined_extern");
  });

  const trap = (): never => {
    throw new Error("trap");
  };
  const strange: Readonly<Record<string, unknown>> = {
    "an object whose text throws": { toString: trap },
    "an object without a text": Object.create(null),
    "a proxy that says nothing about itself": new Proxy({}, { get: trap, getPrototypeOf: trap }),
    "a symbol": Symbol("strange"),
    null: null,
    nothing: undefined,
  };
  for (const [name, thrown] of Object.entries(strange)) {
    it(`that throw ${name} fail the expression`, () => {
      const throws: ExternFunction = () => {
        throw thrown;
      };
      assert.equal(judge("1.extern::f()", { f: throws }).error?.code, "extern_failed");
      assert.equal(judge("(1.extern::f()).try_or(true)", { f: throws }).allowed, true);
    });
  }
});
