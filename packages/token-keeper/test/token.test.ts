import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { format, inspect } from "node:util";
import { Secret, Token } from "@countersign/token-keeper";

const token = new Token({
  accessToken: "access-value",
  idToken: "id-value",
  scope: ["read"],
  issuedAt: 1_000,
  staleAt: 3_000,
  expiresAt: 4_000,
});

describe("Token", () => {
  const instants = [
    { now: 0, status: "fresh", untilStale: 3_000, untilExpired: 4_000 },
    { now: 2_999, status: "fresh", untilStale: 1, untilExpired: 1_001 },
    { now: 3_000, status: "stale", untilStale: 0, untilExpired: 1_000 },
    { now: 3_999, status: "stale", untilStale: 0, untilExpired: 1 },
    { now: 4_000, status: "expired", untilStale: 0, untilExpired: 0 },
    { now: 9_000, status: "expired", untilStale: 0, untilExpired: 0 },
  ] as const;
  for (const { now, status, untilStale, untilExpired } of instants) {
    it(`is ${status} at ${now}`, () => {
      assert.equal(token.statusAt(now), status);
      assert.equal(token.untilStale(now), untilStale);
      assert.equal(token.untilExpired(now), untilExpired);
    });
  }

  it("refuses instants out of order or not finite", () => {
    const instants = [
      { issuedAt: 2, staleAt: 1, expiresAt: 3 },
      { issuedAt: 1, staleAt: 4, expiresAt: 3 },
      { issuedAt: Number.NaN, staleAt: 1, expiresAt: 3 },
      { issuedAt: 1, staleAt: 1, expiresAt: Number.POSITIVE_INFINITY },
    ];
    for (const init of instants) assert.throws(() => new Token({ accessToken: "a", ...init }), RangeError);
  });
});

describe("Secret", () => {
  const prints: Record<string, (value: unknown) => string> = {
    String: (value) => String(value),
    template: (value) => `${value}`,
    "JSON.stringify": (value) => JSON.stringify({ value }),
    "util.inspect": (value) => inspect({ value }, { depth: 9, showHidden: true }),
    "util.format %o": (value) => format("%o %O %j %s", value, value, value, value),
    "structured members": (value) => Object.entries(Object(value)).join(),
  };
  for (const [name, print] of Object.entries(prints)) {
    it(`is redacted in ${name}, alone and in a token`, () => {
      const printed = print(new Secret("secret-value")) + print(token);
      for (const value of ["secret-value", "access-value", "id-value"]) assert.ok(!printed.includes(value), printed);
    });
  }

  it("reveals its value when asked", () => {
    assert.equal(token.accessToken.reveal(), "access-value");
    assert.equal(token.authorization(), "Bearer access-value");
  });

  it("equals a secret of the same value only", () => {
    assert.ok(new Secret("abc").equals(new Secret("abc")));
    for (const other of ["abd", "ab", "abcd", ""]) assert.ok(!new Secret("abc").equals(new Secret(other)));
  });
});
