import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decide } from "../../src/policy/decide.ts";
import type { PolicyInput } from "../../src/policy/document.ts";
import { explain } from "../../src/policy/explain.ts";
import type { PolicyRequest } from "../../src/policy/request.ts";
import { cli0, cli1, keys, policyOf } from "./policies.ts";

const approver = { component: "approver", public_key: keys.auth, authorization_service: "https://approve.example.com" };

/** What the public test server of these tokens is known to allow, and JWT scopes beside it. */
const everything: Partial<PolicyInput> = {
  lifetimes: { authorization: 120 },
  roles: {
    member: {},
    admin: {},
    auditor: { external: true },
    suspended: { external: true },
    chief: { includes: ["auditor"], external: true },
  },
  subjects: [
    { id: cli0, delegation: { depth: 1 } },
    { id: cli1 },
    { id: `${cli1}:admin-user`, roles: ["admin"] },
    { pattern: "worker-[a-z]+\\.internal\\.com", roles: ["member"], delegation: true },
    { id: "alice" },
    { id: "mallory" },
  ],
  realms: [{ id: cli1, roles: ["member"] }],
  components: { edge: { public_key: keys.edge } },
  resources: {
    update_telemetry: { operations: ["read", "update"], signoffs: [{ ...approver, operations: ["update"] }] },
    resource4: { chain: ["edge"], lifetime: 60 },
    ghostly: { chain: ["edge", "ghost"] },
  },
  rules: [
    {
      id: "cli0",
      subjects: [cli0],
      resources: ["resource1", "resource4", "update_telemetry"],
      operations: ["read", "write", "update"],
    },
    { id: "agent", subjects: [`${cli0}:agent1`], resources: ["resource4"], operations: ["read"], lifetime: 30 },
    { id: "members", roles: ["member"], resources: ["resource3"], operations: ["read"] },
    { id: "admins", roles: ["admin"], resources: ["resource2", "resource4"], operations: ["read", "write"] },
    { id: "ghosts", subjects: [cli0], resources: ["ghostly"], operations: ["read"] },
    { id: "web", subjects: ["alice"], clients: ["web"], scopes: ["orders.read"], lifetime: 600 },
    { id: "long", subjects: ["alice"], clients: ["web"], scopes: ["orders.read"], lifetime: 900 },
    { id: "audit", roles: ["auditor"], scope_pattern: "audit\\..+" },
    { id: "sign", subjects: ["alice"], kinds: ["signoff"], resource_pattern: "pay.*", operations: ["pay"] },
    { id: "banned", effect: "deny", subjects: ["mallory"], scope_pattern: ".+" },
    { id: "mallory", subjects: ["mallory", "mallory:x"], scopes: ["orders.read"] },
    { id: "silent", effect: "deny", roles: ["suspended"], kinds: ["identity"] },
    { id: "no-payments", effect: "deny", subject_pattern: ".+", resources: ["payout"], operation_pattern: ".+" },
    {
      id: "payout",
      subjects: ["alice"],
      kinds: ["authorization", "signoff"],
      resources: ["payout"],
      operations: ["pay"],
    },
  ],
};

const right = (subject: string, resource: string, operation: string): PolicyRequest => ({
  kind: "authorization",
  subject,
  resource,
  operation,
});
const signoff = (subject: string, resource: string, operation: string): PolicyRequest => ({
  kind: "signoff",
  subject,
  resource,
  operation,
});
const scope = (subject: string, text: string, client?: string): PolicyRequest => ({
  kind: "access_token",
  subject,
  scope: text,
  ...(client === undefined ? {} : { client }),
});

/** The rule and the lifetime of what is allowed; the reason, and the rule if any, of what is refused. */
type Expected = readonly [string, number] | string;

const rows: readonly { readonly id: string; readonly build: PolicyRequest; readonly expect: Expected }[] = [
  { id: "a right of a subject", build: right(cli0, "resource1", "read"), expect: ["cli0", 120] },
  { id: "the lifetime of a resource", build: right(cli0, "resource4", "read"), expect: ["cli0", 60] },
  { id: "the right of a sub-identity", build: right(`${cli0}:agent1`, "resource4", "read"), expect: ["agent", 30] },
  {
    id: "a sub-identity without an entry inherits nothing",
    build: right(`${cli0}:agent2`, "resource4", "read"),
    expect: "no_rule",
  },
  {
    id: "a sub-identity beyond its own right",
    build: right(`${cli0}:agent1`, "resource4", "write"),
    expect: "no_rule",
  },
  { id: "a prefix that is no part", build: right(`${cli0}2`, "resource1", "read"), expect: "no_rule" },
  { id: "other capitals", build: right(cli0.toUpperCase(), "resource1", "read"), expect: "no_rule" },
  { id: "a resource in other capitals", build: right(cli0, "Resource1", "read"), expect: "no_rule" },
  { id: "a realm's role", build: right(`${cli1}:user123`, "resource3", "read"), expect: ["members", 120] },
  { id: "a realm's role, two parts down", build: right(`${cli1}:a:b`, "resource3", "read"), expect: ["members", 120] },
  { id: "the realm itself has not its members' role", build: right(cli1, "resource3", "read"), expect: "no_rule" },
  { id: "what only begins like the realm", build: right(`${cli1}x:user`, "resource3", "read"), expect: "no_rule" },
  { id: "an empty part in a realm", build: right(`${cli1}:`, "resource3", "read"), expect: "malformed" },
  { id: "an empty part within", build: right(`${cli1}::user`, "resource3", "read"), expect: "malformed" },
  {
    id: "an entry replaces the realm's role",
    build: right(`${cli1}:admin-user`, "resource3", "read"),
    expect: "no_rule",
  },
  { id: "the entry's own role", build: right(`${cli1}:admin-user`, "resource2", "write"), expect: ["admins", 120] },
  {
    id: "a pattern of subjects",
    build: right("worker-ab.internal.com", "resource3", "read"),
    expect: ["members", 120],
  },
  { id: "more than the pattern", build: right("worker-ab.internal.com.evil", "resource3", "read"), expect: "no_rule" },
  { id: "more before the pattern", build: right("x-worker-ab.internal.com", "resource3", "read"), expect: "no_rule" },
  {
    id: "an operation that there is not",
    build: right(cli0, "update_telemetry", "write"),
    expect: "unknown_operation",
  },
  { id: "a chain whose key is unknown", build: right(cli0, "ghostly", "read"), expect: "unknown_component" },
  { id: "a scope by client", build: scope("alice", "orders.read", "web"), expect: ["long", 900] },
  { id: "a scope by another client", build: scope("alice", "orders.read", "cli"), expect: "no_rule" },
  { id: "a scope without client", build: scope("alice", "orders.read"), expect: "no_rule" },
  { id: "another scope", build: scope("alice", "orders.write", "web"), expect: "no_rule" },
  { id: "what is no scope", build: scope("alice", "a b", "web"), expect: "malformed" },
  { id: "an external role", build: { ...scope("bob", "audit.read"), roles: ["auditor"] }, expect: ["audit", 86_400] },
  { id: "an included role", build: { ...scope("bob", "audit.read"), roles: ["chief"] }, expect: ["audit", 86_400] },
  {
    id: "a role that is not external",
    build: { ...right("bob", "resource2", "read"), roles: ["admin"] },
    expect: "no_rule",
  },
  { id: "a refusal goes before", build: scope("mallory", "orders.read"), expect: "denied banned" },
  { id: "a refusal covers sub-identities", build: scope("mallory:x", "orders.read"), expect: "denied banned" },
  { id: "a refusal by pattern", build: right("alice", "payout", "pay"), expect: "denied no-payments" },
  {
    id: "a refusal without kinds covers signoffs",
    build: signoff("alice", "payout", "pay"),
    expect: "denied no-payments",
  },
  {
    id: "a signoff that a rule names",
    build: signoff("alice", "payroll", "pay"),
    expect: ["sign", 300],
  },
  { id: "which is no authorization", build: right("alice", "payroll", "pay"), expect: "no_rule" },
  {
    id: "an authorization is no signoff",
    build: signoff(cli0, "resource1", "read"),
    expect: "no_rule",
  },
  { id: "the identity of who is known", build: { kind: "identity", subject: cli0 }, expect: ["subjects[0]", 3600] },
  {
    id: "the identity of who fits a pattern",
    build: { kind: "identity", subject: "worker-a.internal.com" },
    expect: ["subjects[3]", 3600],
  },
  { id: "the identity of a stranger", build: { kind: "identity", subject: "eve" }, expect: "unknown_subject" },
  {
    id: "the identity of who may not",
    build: { kind: "identity", subject: "alice", roles: ["suspended"] },
    expect: "denied silent",
  },
  {
    id: "an identity of a realm",
    build: { kind: "identity", subject: `${cli1}:u`, realm: cli1 },
    expect: ["realms[0]", 3600],
  },
  {
    id: "an identity beside the realm",
    build: { kind: "identity", subject: `${cli0}:u`, realm: cli1 },
    expect: "outside_realm",
  },
  {
    id: "the realm as its own member",
    build: { kind: "identity", subject: cli1, realm: cli1 },
    expect: "outside_realm",
  },
  {
    id: "an identity of no realm",
    build: { kind: "identity", subject: `${cli0}:u`, realm: cli0 },
    expect: "unknown_realm",
  },
  {
    id: "a delegate",
    build: { ...right(`${cli0}:agent1`, "resource4", "read"), delegatedFrom: cli0 },
    expect: ["agent", 30],
  },
  {
    id: "a delegate too deep",
    build: { ...right(`${cli0}:agent1:x`, "resource4", "read"), delegatedFrom: cli0 },
    expect: "too_deep",
  },
  {
    id: "a delegate of who may not",
    build: { ...right(`${cli1}:user`, "resource3", "read"), delegatedFrom: cli1 },
    expect: "not_delegatable",
  },
  {
    id: "a delegate of a stranger",
    build: { ...right("a:b", "resource3", "read"), delegatedFrom: "a" },
    expect: "not_delegatable",
  },
  {
    id: "a delegate beside",
    build: { ...right(`${cli0}2`, "resource3", "read"), delegatedFrom: cli0 },
    expect: "not_beneath",
  },
  {
    id: "a delegate upwards",
    build: { ...right(cli0, "resource1", "read"), delegatedFrom: `${cli0}:agent1` },
    expect: "not_beneath",
  },
  { id: "nobody", build: right("", "resource1", "read"), expect: "malformed" },
  { id: "white space after a name", build: right(`${cli0} `, "resource1", "read"), expect: "malformed" },
  { id: "a zero-width space in a name", build: right(`${cli0}\u200b`, "resource1", "read"), expect: "malformed" },
  { id: "half of a surrogate pair", build: right("a\ud800", "resource1", "read"), expect: "malformed" },
  { id: "a name in form NFD", build: right("zoe\u0308", "payout", "pay"), expect: "malformed" },
  { id: "a resource in form NFD", build: right("zoë", "ro\u0308", "pay"), expect: "malformed" },
  { id: "a name that is too long", build: right("a".repeat(1025), "payout", "pay"), expect: "malformed" },
  { id: "a name of an object's own", build: right(cli0, "__proto__", "constructor"), expect: "no_rule" },
];

describe("decide", () => {
  const policy = policyOf(everything);
  for (const { id, build, expect } of rows) {
    it(`judges ${id}`, () => {
      const decision = decide(policy, build);
      const found = decision.allowed
        ? [decision.rule, decision.lifetime]
        : [decision.reason, ...(decision.rule === undefined ? [] : [decision.rule])].join(" ");
      assert.deepEqual(found, expect);
      assert.deepEqual(explain(policy, build).decision, decision);
    });
  }

  it("gives the signoffs of the operations that need them", () => {
    const update = decide(policy, right(cli0, "update_telemetry", "update"));
    const read = decide(policy, right(cli0, "update_telemetry", "read"));
    const { component, public_key: publicKey, authorization_service: authorizationService } = approver;
    const signoffs = [{ component, publicKey, authorizationService }];
    assert.deepEqual(update.allowed && update.conditions, { chain: [], signoffs });
    assert.deepEqual(read.allowed && read.conditions, { chain: [], signoffs: [] });
  });

  it("gives the chain, and whether an identity may delegate and how deep", () => {
    const chained = decide(policy, right(cli0, "resource4", "read"));
    assert.deepEqual(chained.allowed && chained.conditions.chain, [{ component: "edge", publicKey: keys.edge }]);
    const bare = { chain: [], signoffs: [] };
    const conditions = (request: PolicyRequest) => {
      const decision = decide(policy, request);
      return decision.allowed && decision.conditions;
    };
    assert.deepEqual(conditions({ kind: "identity", subject: cli0 }), { ...bare, delegatable: true, depth: 1 });
    assert.deepEqual(conditions({ kind: "identity", subject: cli1 }), { ...bare, delegatable: false });
    assert.deepEqual(conditions({ kind: "identity", subject: "worker-a.internal.com" }), {
      ...bare,
      delegatable: true,
    });
    const minted = conditions({ kind: "identity", subject: `${cli1}:u`, realm: cli1 });
    assert.deepEqual(minted, { ...bare, delegatable: false, domain: cli1 });
  });

  it("refuses what costs too much to match, whatever else allows it", () => {
    // Each character leads to a state that was not seen before.
    const costly = ".*a.{400}";
    const subject = Array.from({ length: 1000 }, (_, at) => ((at * at) % 7 < 3 ? "a" : "b".repeat(at % 3)))
      .join("")
      .slice(0, 1000);
    const policyWith = policyOf({
      rules: [
        { subjects: [subject], scopes: ["s"] },
        { id: "costly", effect: "deny", subject_pattern: costly, scopes: ["s"] },
      ],
    });
    const decision = decide(policyWith, scope(subject, "s"));
    assert.deepEqual(decision, { allowed: false, reason: "too_costly" });
  });
});
