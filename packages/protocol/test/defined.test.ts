import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defined } from "../src/defined.ts";

describe("defined", () => {
  it("keeps the members that have a value, null and false too, in their order", () => {
    const members = { b: 0, a: undefined, d: null, c: false, e: "" };
    assert.deepEqual(Object.entries(defined(members)), [
      ["b", 0],
      ["d", null],
      ["c", false],
      ["e", ""],
    ]);
  });

  it("makes optional what may be undefined, and nothing else", () => {
    const maybe: string | undefined = ["text"].at(0);
    const typed: { readonly sure: number; readonly maybe?: string } = defined({ sure: 1, maybe });
    assert.deepEqual(typed, { sure: 1, maybe: "text" });
    // @ts-expect-error: it may be absent
    const wrong: { readonly maybe: string } = defined({ maybe });
    assert.ok(wrong);
  });

  it("takes a member called __proto__ for a member", () => {
    const made = defined(JSON.parse('{ "__proto__": 1 }'));
    assert.equal(Object.getPrototypeOf(made), Object.prototype);
    assert.deepEqual(Object.keys(made), ["__proto__"]);
  });
});
