import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isLoginOf } from "../../src/users/login.ts";

const family = { userIncarnation: "first", userEpoch: 3 };
const user = { disabled: false, incarnation: "first", epoch: 3 };

const others = [
  ["a disabled user", { disabled: true }],
  ["another user of the same id", { incarnation: "second" }],
  ["the user after a change that ended all logins", { epoch: 4 }],
] as const;

describe("isLoginOf", () => {
  it("is true of the user who logged in", () => assert.equal(isLoginOf(family, user), true));

  for (const [name, changed] of others) {
    it(`is false of ${name}`, () => assert.equal(isLoginOf(family, { ...user, ...changed }), false));
  }
});
