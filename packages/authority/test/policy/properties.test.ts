import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decide } from "../../src/policy/decide.ts";
import type { PolicyInput } from "../../src/policy/document.ts";
import { explain } from "../../src/policy/explain.ts";
import { ancestorsOf, depthBeneath, isBeneath, isIdentity } from "../../src/policy/names.ts";
import type { PolicyRequest } from "../../src/policy/request.ts";
import { policyOf } from "./policies.ts";

const subject = fc.constantFrom("a", "a:b", "a:bc", "a:b:c", "ab", "A:b", "z");
const resource = fc.constantFrom("r", "rs");
const operation = fc.constantFrom("read", "write");
const scope = fc.constantFrom("s", "s.t");
const audience = fc.constantFrom("https://a", "https://b");
const role = fc.constantFrom("one", "two", "both");
const some = <T>(of: fc.Arbitrary<T>) => fc.uniqueArray(of, { minLength: 1, maxLength: 2 });

const who = fc.oneof(
  fc.record({ subjects: some(subject) }),
  fc.record({ subject_pattern: fc.constantFrom("a", "a:.*", "a|z", ".*b") }),
  fc.record({ roles: some(role) }),
  fc.record({ realms: some(subject) }),
);
const what = fc.oneof(
  fc.record({ resources: some(resource), operations: some(operation) }),
  fc.record({ resource_pattern: fc.constantFrom("r", "r.*"), operation_pattern: fc.constantFrom("read|write", "w.*") }),
  fc.record({ scopes: some(scope) }),
  fc.record({ scopes: some(scope), audiences: some(audience) }),
);
const client = fc.option(fc.record({ clients: some(fc.constantFrom("web", "cli")) }), { nil: {} });
const lifetime = fc.option(fc.record({ lifetime: fc.integer({ min: 1, max: 1000 }) }), { nil: {} });
const rule = fc.tuple(who, what, client, lifetime, fc.integer({ min: 0, max: 4 })).map(([a, b, c, d, kind]) => ({
  ...a,
  ...(kind === 1 ? { kinds: ["identity" as const] } : b),
  ...c,
  ...(kind < 2 ? { effect: "deny" as const } : d),
}));

interface Rules {
  readonly rules: NonNullable<PolicyInput["rules"]>;
}

const sections: fc.Arbitrary<Partial<PolicyInput> & Rules> = fc.record({
  roles: fc.constant({ one: {}, two: { external: true }, both: { includes: ["one", "two"], external: true } }),
  subjects: fc.uniqueArray(
    fc.record({ id: subject, roles: fc.uniqueArray(role, { maxLength: 2 }), delegation: fc.boolean() }),
    { selector: ({ id }) => id, maxLength: 4 },
  ),
  realms: fc.uniqueArray(fc.record({ id: subject, roles: some(role) }), { selector: ({ id }) => id, maxLength: 2 }),
  rules: fc.array(rule, { minLength: 1, maxLength: 8 }),
});

const asking = fc.record(
  {
    subject,
    roles: fc.array(role, { maxLength: 2 }),
    realm: subject,
    client: fc.constantFrom("web", "cli"),
    delegatedFrom: subject,
  },
  { requiredKeys: ["subject"] },
);
const request: fc.Arbitrary<PolicyRequest> = fc
  .tuple(
    asking,
    fc.oneof(
      fc.record({ kind: fc.constantFrom("authorization" as const, "signoff" as const), resource, operation }),
      fc.record({ kind: fc.constant("access_token" as const), scope }),
      fc.record({ kind: fc.constant("access_token" as const), scope, audience }),
      fc.record({ kind: fc.constant("identity" as const) }),
    ),
  )
  .map(([a, b]) => ({ ...a, ...b }));

describe("decide, whatever the policy", () => {
  it("says what explain says, which asks every rule", () => {
    fc.assert(
      fc.property(sections, request, (document, asked) => {
        const policy = policyOf(document);
        assert.deepEqual(explain(policy, asked).decision, decide(policy, asked));
      }),
      { numRuns: 2000 },
    );
  });

  it("names a rule that applies, and that effect", () => {
    fc.assert(
      fc.property(sections, request, (document, asked) => {
        const { decision, rules } = explain(policyOf(document), asked);
        const named = rules.find((row) => row.rule === decision.rule);
        if (named === undefined) return;
        assert.equal(named.applies, true);
        assert.equal(named.effect, decision.allowed ? "allow" : "deny");
      }),
      { numRuns: 1000 },
    );
  });

  it("allows no more, and for no longer, without a rule that allows", () => {
    fc.assert(
      fc.property(sections, request, fc.nat(), (document, asked, at) => {
        const before = decide(policyOf(document), asked);
        const drop = at % document.rules.length;
        fc.pre(!("effect" in (document.rules[drop] ?? {})));
        const after = decide(policyOf({ ...document, rules: document.rules.toSpliced(drop, 1) }), asked);
        if (!after.allowed) return;
        assert.ok(before.allowed);
        assert.ok(after.lifetime <= before.lifetime);
        assert.deepEqual(after.conditions, before.conditions);
      }),
      { numRuns: 2000 },
    );
  });

  it("allows no more with another rule that refuses", () => {
    fc.assert(
      fc.property(sections, request, rule, (document, asked, added) => {
        const { lifetime: _, ...refusing } = { lifetime: 0, ...added, effect: "deny" as const };
        const after = decide(policyOf({ ...document, rules: [...document.rules, refusing] }), asked);
        if (after.allowed) assert.deepEqual(decide(policyOf(document), asked), after);
      }),
      { numRuns: 1000 },
    );
  });
});

/** What looks like a name, or begins as it does, and is another. */
const lookalikes: readonly ((name: string) => string)[] = [
  (name) => `${name}:`,
  (name) => `:${name}`,
  (name) => name.replace(":", "::"),
  (name) => `${name}x`,
  (name) => ` ${name}`,
  (name) => `${name}\u200b`,
  (name) => name.replace(":", "\uff1a"),
  (name) => name.replace("a", "\u0430"),
  (name) => `${name}\u0301`,
];

describe("decide, whatever the names", () => {
  const rights = fc.record({ subjects: some(subject), resources: some(resource), operations: some(operation) });
  it("gives the rights of a name to no other that looks like it", () => {
    fc.assert(
      fc.property(fc.array(rights, { minLength: 1 }), subject, fc.constantFrom(...lookalikes), (rules, name, like) => {
        const other = like(name);
        fc.pre(other !== name && !["a", "a:b", "a:bc", "a:b:c", "ab", "A:b", "z"].includes(other));
        const asked = { kind: "authorization", subject: other, resource: "r", operation: "read" } as const;
        assert.equal(decide(policyOf({ rules }), asked).allowed, false, JSON.stringify(other));
      }),
      { numRuns: 1000 },
    );
  });

  it("refuses to a sub-identity what is refused to one above it", () => {
    fc.assert(
      fc.property(sections, request, (document, asked) => {
        const policy = policyOf(document);
        const [above] = ancestorsOf(asked.subject);
        fc.pre(above !== undefined);
        const { roles: _, realm: __, delegatedFrom: ___, ...bare } = asked;
        const refused = decide(policy, { ...bare, subject: above ?? "" });
        if (!refused.allowed && refused.reason === "denied") assert.equal(decide(policy, asked).allowed, false);
      }),
      { numRuns: 2000 },
    );
  });
});

const texts: readonly { readonly text: string; readonly beneath: boolean }[] = [
  { text: "a:b", beneath: false },
  { text: "a:b:", beneath: false },
  { text: "a:b::c", beneath: false },
  { text: "a:bc", beneath: false },
  { text: "A:b:c", beneath: false },
  { text: "a:b:c", beneath: true },
  { text: "a:b:c:d", beneath: true },
  { text: "a:b\u02d0c", beneath: false },
  { text: "a:b\uff1ac", beneath: false },
  { text: "a:b:\u200b", beneath: false },
  { text: "a:b:e\u0301", beneath: false },
  { text: "a:b:\u00e9", beneath: true },
];

describe("isBeneath", () => {
  for (const { text, beneath } of texts) {
    it(`${JSON.stringify(text)} is ${beneath ? "" : "not "}beneath a:b`, () =>
      assert.equal(isBeneath(text, "a:b"), beneath));
  }

  it("is true for exactly the ancestors of an identity", () => {
    const part = fc.string({ minLength: 1, maxLength: 4 }).filter((text) => isIdentity(text) && !text.includes(":"));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const above = ancestorsOf(parts.join(":"));
        assert.equal(above.length, parts.length - 1);
        for (const [at, ancestor] of above.entries()) {
          assert.ok(isBeneath(parts.join(":"), ancestor));
          assert.equal(depthBeneath(parts.join(":"), ancestor), at + 1);
        }
      }),
    );
  });
});
