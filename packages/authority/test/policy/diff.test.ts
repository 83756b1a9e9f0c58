import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { diffPolicies } from "../../src/policy/diff.ts";
import { keys, policyOf } from "./policies.ts";

const right = (subject: string, operation: string) => ({
  subjects: [subject],
  resources: ["r"],
  operations: [operation],
});
const before = policyOf({
  subjects: [{ id: "a" }],
  rules: [{ id: "one", ...right("a", "read") }, right("b", "read"), { id: "gone", ...right("c", "read") }],
});

describe("diffPolicies", () => {
  const changes = (after: Parameters<typeof policyOf>[0]) => {
    const { rules, decisions, isPartial } = diffPolicies(before, policyOf(after));
    assert.equal(isPartial, false);
    return [
      ...rules.map(({ change, rule }) => `rule ${change} ${rule}`),
      ...decisions.map(({ change, subject, what }) => `${change} ${subject} ${what}`),
    ];
  };

  it("finds nothing between a policy and itself", () => {
    assert.deepEqual(changes(before.document), []);
  });

  it("finds rules that came, went and changed, and what comes of it", () => {
    const after = {
      subjects: [{ id: "a", delegation: true }],
      rules: [right("b", "read"), { id: "one", ...right("a", "write") }, { id: "new", subjects: ["d"], scopes: ["s"] }],
    };
    assert.deepEqual(changes(after), [
      "rule removed gone",
      "rule changed one",
      "rule added new",
      "altered a identity",
      "refused a r read",
      "allowed a r write",
      "refused c r read",
      "allowed d s",
    ]);
  });

  it("finds a refusal, a lifetime and a chain", () => {
    const { subjects, rules } = before.document;
    const deny = {
      id: "deny",
      effect: "deny" as const,
      subject_pattern: "b",
      resource_pattern: ".+",
      operation_pattern: ".+",
    };
    const resources = { r: { lifetime: 9, chain: [{ component: "c", public_key: keys.edge }] } };
    assert.deepEqual(changes({ subjects, rules: [...rules, deny], resources }), [
      "rule added deny",
      "altered a r read",
      "refused b r read",
      "altered c r read",
    ]);
  });
});
