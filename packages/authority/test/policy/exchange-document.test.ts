import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PolicyError, readPolicy } from "../../src/policy/read.ts";

const issuer = "https://idp.example.com";
const gives = { audiences: ["https://api.example.com"] };
const rule = { issuer, gives };

const read = (issuers: readonly object[], rules: readonly object[]) =>
  readPolicy({ format: "countersign-policy/1", version: 1, exchange: { issuers, rules } });

/** A section that is refused, and what it says. */
const faults: Readonly<Record<string, readonly [issuers: readonly object[], rules: readonly object[], RegExp]>> = {
  "an issuer over plain HTTP": [[{ issuer: "http://idp.example.com" }], [], /https URL/],
  "an issuer with a query": [[{ issuer: `${issuer}?a` }], [], /without query/],
  "an issuer twice": [[{ issuer }, { issuer, profile: "jwt" }], [], /there twice/],
  "no issuer where there are many": [[{ profile: "kubernetes" }], [], /needs an issuer/],
  "keys in two places": [
    [{ issuer, jwks: { keys: [{ kty: "EC" }] }, jwks_url: `${issuer}/jwks` }],
    [],
    /more than one/,
  ],
  "keys over plain HTTP": [[{ issuer, jwks_url: "http://idp.example.com/jwks" }], [], /https URL/],
  "a trust domain without keys": [[{ issuer: "spiffe://example.org", profile: "spiffe" }], [], /has no address/],
  "a trust domain with another profile": [[{ issuer: "spiffe://example.org", jwks_url: issuer }], [], /trust domain/],
  "an algorithm that is none": [[{ issuer, algorithms: ["HS256"] }], [], /./],
  "a member that is misspelt": [[{ issuer, jwk_url: issuer }], [], /no member/],
  "a rule about an unknown issuer": [[], [rule], /no issuer here/],
  "a rule for no client": [[{ issuer }], [{ ...rule, clients: [] }], /./],
  "a rule for the empty client (C31)": [[{ issuer }], [{ ...rule, clients: [""] }], /./],
  "clients by names and by pattern": [
    [{ issuer }],
    [{ ...rule, clients: ["a"], client_pattern: "a.*" }],
    /both|keep one/,
  ],
  "a claim that is both value and pattern": [
    [{ issuer }],
    [{ ...rule, claims: { a: { pattern: "x", value: "x" } } }],
    /no member/,
  ],
  "a pattern that looks around": [[{ issuer }], [{ ...rule, claims: { a: { pattern: "(?=a)b" } } }], /no look-around/],
  "a path that is none": [[{ issuer }], [{ ...rule, claims: { "/a~2": "x" } }], /JSON Pointer/],
  "no audience": [[{ issuer }], [{ issuer, gives: { audiences: [] } }], /./],
  "a subject that could be an id of ours": [
    [{ issuer }],
    [{ issuer, gives: { ...gives, subject: "x{sub}" } }],
    /no id of ours/,
  ],
  "a subject whose claims nothing parts": [
    [{ issuer }],
    [{ issuer, gives: { ...gives, subject: "x:{a}{b}" } }],
    /in braces/,
  ],
  "a subject and a user": [[{ issuer }], [{ issuer, gives: { ...gives, subject: "x:{a}", user: "{a}" } }], /keep one/],
  "another subject for a token of ours": [
    [],
    [{ issuer: "self", clients: ["a"], gives: { ...gives, user: "{sub}" } }],
    /keeps the one/,
  ],
  "tokens of ours for every client": [[], [{ issuer: "self", gives }], /add clients/],
  "two rules of one id": [
    [{ issuer }],
    [
      { ...rule, id: "a" },
      { ...rule, id: "a" },
    ],
    /id of another/,
  ],
};

describe("the section exchange of a policy", () => {
  for (const [name, [issuers, rules, message]] of Object.entries(faults)) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => read(issuers, rules),
        (error) => error instanceof PolicyError && error.faults.some((fault) => message.test(fault.message)),
      );
    });
  }

  it("knows the issuer of a profile that has only one", () => {
    const { exchange } = read([{ profile: "github-actions" }], []);
    assert.equal(exchange?.issuers[0]?.issuer, "https://token.actions.githubusercontent.com");
  });
});
