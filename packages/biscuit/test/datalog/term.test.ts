import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Term, TermMap, TermSet, Timestamp, termKey } from "../../src/datalog/term.ts";

describe("the key of a term", () => {
  const terms: readonly Term[] = [
    null,
    true,
    false,
    1,
    2n ** 62n,
    "1",
    "i1;",
    "",
    new Timestamp(1),
    Uint8Array.of(1),
    [],
    [1],
    [[1]],
    ["1"],
    [1, 1],
    new TermSet([]),
    new TermSet([1]),
    new TermMap([]),
    new TermMap([[1, 1]]),
    new TermMap([["1", 1]]),
  ];

  it("differs between terms that differ", () => {
    assert.equal(new Set(terms.map(termKey)).size, terms.length);
  });

  it("is the same for terms that are equal", () => {
    assert.equal(termKey(["a", new TermSet([1, 2])]), termKey(["a", new TermSet([1, 2])]));
  });

  it("is written once for a term, however often it is looked up", () => {
    let reads = 0;
    const items = new Proxy([1, 2, 3], {
      get(target, name) {
        reads++;
        return Reflect.get(target, name);
      },
    });
    const set = new TermSet(items);
    const first = termKey(set);
    const readsOfOne = reads;
    assert.ok(readsOfOne > 0);
    assert.equal(termKey(set), first);
    assert.equal(reads, readsOfOne);
  });
});
