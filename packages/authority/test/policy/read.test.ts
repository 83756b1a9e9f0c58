import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compilePolicy } from "../../src/policy/compile.ts";
import { decide } from "../../src/policy/decide.ts";
import { PolicyError, placeOf, policyHash, readPolicy } from "../../src/policy/read.ts";
import { cli0, cli1, clientsTable, keys, policyOf, resourcesTable } from "./policies.ts";

const rule = { subjects: ["a"], scopes: ["s"] };

/** The place of the fault, and part of what is said. */
const bad: readonly { readonly id: string; readonly build: object; readonly expect: readonly [string, RegExp] }[] = [
  { id: "another format", build: { format: "2" }, expect: ["format", /countersign-policy\/1/] },
  { id: "no version", build: { version: 0 }, expect: ["version", />=1/] },
  { id: "a misspelt section", build: { rule: [] }, expect: ["rule", /no member here/] },
  {
    id: "a misspelt member",
    build: { rules: [{ ...rule, subjcts: ["a"] }] },
    expect: ["rules[0].subjcts", /no member/],
  },
  {
    id: "a rule for nobody",
    build: { rules: [{ scopes: ["s"] }] },
    expect: ["rules[0]", /names nobody: add subjects/],
  },
  { id: "a rule about nothing", build: { rules: [{ subjects: ["a"] }] }, expect: ["rules[0]", /names nothing: add/] },
  {
    id: "a resource without operations",
    build: { rules: [{ subjects: ["a"], resources: ["r"] }] },
    expect: ["rules[0]", /name both/],
  },
  {
    id: "names and a pattern",
    build: { rules: [{ ...rule, subject_pattern: "b" }] },
    expect: ["rules[0]", /subjects and subject_pattern/],
  },
  {
    id: "scopes of a capability",
    build: { rules: [{ ...rule, kinds: ["authorization"] }] },
    expect: ["rules[0]", /only an access_token/],
  },
  {
    id: "a refusal that lives",
    build: { rules: [{ ...rule, effect: "deny", lifetime: 3 }] },
    expect: ["rules[0]", /means nothing/],
  },
  {
    id: "a rule that allows identities",
    build: { rules: [{ subjects: ["a"], kinds: ["identity"] }] },
    expect: ["rules[0]", /subjects and realms do/],
  },
  { id: "an empty list", build: { rules: [{ ...rule, subjects: [] }] }, expect: ["rules[0].subjects", />=1/] },
  {
    id: "a subject with an empty part",
    build: { rules: [{ ...rule, subjects: ["a::b"] }] },
    expect: ["rules[0].subjects[0]", /empty part/],
  },
  {
    id: "a subject in form NFD",
    build: { rules: [{ ...rule, subjects: ["e\u0301"] }] },
    expect: ["rules[0].subjects[0]", /NFC/],
  },
  {
    id: "a look-ahead",
    build: { rules: [{ subject_pattern: "a(?=b)", scopes: ["s"] }] },
    expect: ["rules[0].subject_pattern", /linear/],
  },
  {
    id: "a back-reference",
    build: { rules: [{ subject_pattern: "(a)\\1", scopes: ["s"] }] },
    expect: ["rules[0].subject_pattern", /linear/],
  },
  {
    id: "a pattern that leaves its group",
    build: { rules: [{ subject_pattern: "a)|(b", scopes: ["s"] }] },
    expect: ["rules[0].subject_pattern", /pattern/],
  },
  {
    id: "a pattern that is a bomb",
    build: { rules: [{ subject_pattern: "((a{99}){99}){99}", scopes: ["s"] }] },
    expect: ["rules[0].subject_pattern", /pattern/],
  },
  {
    id: "a role that is none",
    build: { scopes_need_rule: true, rules: [{ roles: ["r"], scopes: ["s"] }] },
    expect: ["rules[0]", /add \[roles\.r\]/],
  },
  {
    id: "a role of an object's own",
    build: { scopes_need_rule: true, rules: [{ roles: ["toString"], scopes: ["s"] }] },
    expect: ["rules[0]", /add \[roles/],
  },
  {
    id: "scopes that are allowed and need no rule",
    build: { rules: [{ effect: "deny", ...rule }, rule] },
    expect: ["rules[1]", /scopes_need_rule = true/],
  },
  {
    id: "audiences of a capability",
    build: { rules: [{ subjects: ["a"], resources: ["r"], operations: ["o"], audiences: ["x"] }] },
    expect: ["rules[0]", /has audiences/],
  },
  {
    id: "audiences in both forms",
    build: { scopes_need_rule: true, rules: [{ ...rule, audiences: ["x"], audience_pattern: "x" }] },
    expect: ["rules[0]", /has audiences and audience_pattern/],
  },
  {
    id: "an id twice",
    build: {
      rules: [
        { ...rule, id: "x" },
        { ...rule, id: "x" },
      ],
    },
    expect: ["rules[1].id", /rules\[0\]/],
  },
  {
    id: "a subject twice",
    build: { subjects: [{ id: "a" }, { id: "a" }] },
    expect: ["subjects[1].id", /subjects\[0\]/],
  },
  {
    id: "a subject of both forms",
    build: { subjects: [{ id: "a", pattern: "b" }] },
    expect: ["subjects[0]", /not both/],
  },
  {
    id: "a key that is no point",
    build: { components: { c: { public_key: `ed25519/${"ab".repeat(31)}` } } },
    expect: ["components.c.public_key", /64 hexadecimal/],
  },
  {
    id: "a service over plain HTTP",
    build: { components: { c: { public_key: keys.auth, authorization_service: "http://a" } } },
    expect: ["components.c.authorization_service", /https/],
  },
];

const faultsOf = (read: () => unknown) => {
  try {
    read();
  } catch (error) {
    if (error instanceof PolicyError) return error.faults;
    throw error;
  }
  return [];
};

describe("readPolicy", () => {
  for (const { id, build, expect } of bad) {
    it(`refuses ${id}`, () => {
      const [place, said] = expect;
      const faults = faultsOf(() => readPolicy({ format: "countersign-policy/1", version: 1, ...build }));
      const found = faults.find(({ path }) => placeOf(path) === place);
      assert.match(found?.message ?? JSON.stringify(faults), said);
    });
  }

  it("refuses roles that lead back to themselves", () => {
    const roles = { a: { includes: ["b"] }, b: { includes: ["c"] }, c: { includes: ["a"] } };
    assert.throws(() => policyOf({ roles }), { name: "PolicyError", message: /roles\.a\.includes leads back/ });
  });

  it("names every fault", () => {
    const faults = faultsOf(() => readPolicy({ format: "x", version: "y" }));
    assert.deepEqual(faults.map(({ path }) => placeOf(path)).sort(), ["format", "version"]);
  });
});

describe("clients.toml and resources.toml", () => {
  const tables = compilePolicy(readPolicy(clientsTable, resourcesTable));
  const resources = ["resource1", "resource2", "resource3", "resource4", "order_service"];
  const granted = new Map([
    [cli0, ["resource1", "resource2", "resource4", "order_service"]],
    [cli1, ["resource2", "resource3", "resource4", "order_service"]],
    [`${cli0}:agent1`, []],
    ["uri:urn:test:argo-cli", []],
  ]);

  for (const [subject, names] of granted) {
    for (const resource of resources) {
      for (const operation of ["read", "write", "delete"]) {
        const allowed = names.includes(resource) && operation !== "delete";
        it(`${allowed ? "allow" : "refuse"} ${subject} to ${operation} ${resource}`, () => {
          assert.equal(decide(tables, { kind: "authorization", subject, resource, operation }).allowed, allowed);
        });
      }
    }
  }

  it("give order_service its chain in order", () => {
    const decision = decide(tables, {
      kind: "authorization",
      subject: cli0,
      resource: "order_service",
      operation: "read",
    });
    assert.deepEqual(decision.allowed && decision.conditions.chain, [
      { component: "auth_service", publicKey: keys.auth },
      { component: "payment_service", publicKey: keys.payment },
      { component: "order_service", publicKey: keys.order },
    ]);
  });

  it("give every client a delegatable identity", () => {
    const decision = decide(tables, { kind: "identity", subject: cli1 });
    assert.equal(decision.allowed && decision.conditions.delegatable, true);
  });

  it("are read in either order, alone, and in version 0.1.0", () => {
    assert.deepEqual(readPolicy(resourcesTable, clientsTable), tables.document);
    assert.deepEqual(readPolicy(clientsTable).rules, tables.document.rules);
    const [first] = clientsTable.clients;
    const former = { version: "0.1.0", clients: [{ identifier: first?.identifier, resources: ["resource1"] }] };
    const policy = compilePolicy(readPolicy(former));
    for (const operation of ["read", "write"]) {
      assert.ok(decide(policy, { kind: "authorization", subject: cli0, resource: "resource1", operation }).allowed);
    }
  });

  it("match a host name label by label", () => {
    const client = { identifier: { type: "san_dns", value: "worker-*.internal.com" }, resources: ["r"] };
    const policy = compilePolicy(readPolicy({ version: "0.2.0", clients: [client] }));
    const allowed = (subject: string) =>
      decide(policy, { kind: "authorization", subject, resource: "r", operation: "read" }).allowed;
    assert.ok(allowed("worker-1.internal.com"));
    for (const host of [
      "worker-1.a.internal.com",
      "worker-1xinternal.com",
      "worker-.internal.com",
      "worker-1.internal.com.x",
    ]) {
      assert.equal(allowed(host), false, host);
    }
  });

  it("are not mixed with a document, nor two of a kind", () => {
    const document = { format: "countersign-policy/1", version: 1 };
    assert.throws(() => readPolicy(clientsTable, document), PolicyError);
    assert.throws(() => readPolicy(clientsTable, clientsTable), /two files are of one kind/);
    assert.throws(() => readPolicy(), PolicyError);
  });
});

describe("policyHash", () => {
  const base = { format: "countersign-policy/1", version: 1, scopes_need_rule: true, rules: [rule] };
  const hash = (tree: object) => policyHash(readPolicy(tree));
  it("is of what the document says, not of how it is written", () => {
    assert.match(hash(base), /^sha256:[0-9a-f]{64}$/);
    assert.equal(
      hash({ ...base, rules: [{ scopes: ["s"], effect: "allow", subjects: ["a"] }], version: 1 }),
      hash(base),
    );
    assert.notEqual(hash({ ...base, version: 2 }), hash(base));
    assert.notEqual(hash({ ...base, rules: [{ ...rule, effect: "deny" }] }), hash(base));
  });
});
