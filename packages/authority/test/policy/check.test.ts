import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkPolicy } from "../../src/policy/check.ts";
import { compilePolicy } from "../../src/policy/compile.ts";
import type { PolicyInput } from "../../src/policy/document.ts";
import { readPolicy } from "../../src/policy/read.ts";
import { clientsTable, policyOf, resourcesTable } from "./policies.ts";

const may = (subjects: string[], scopes = ["s"]) => ({ subjects, scopes });
const x = { id: "x", delegation: true };

/** A policy that exchanges tokens of jobs of GitHub. */
function exchanging(rules: readonly object[]): Partial<PolicyInput> {
  const issuer = "https://token.actions.githubusercontent.com";
  const complete = rules.map((rule) => ({ issuer, gives: { audiences: ["a"] }, ...rule }));
  return { exchange: { issuers: [{ profile: "github-actions" }], rules: complete } };
}

/** Code and place of each finding. */
const rows: readonly {
  readonly id: string;
  readonly build: Partial<PolicyInput>;
  readonly expect: readonly string[];
}[] = [
  { id: "nothing in a plain policy", build: { subjects: [x], rules: [may(["x"])] }, expect: [] },
  {
    id: "a sub-identity with a right of its own",
    build: { subjects: [x], rules: [may(["x:y"])] },
    expect: ["escalation rules[0]"],
  },
  {
    id: "none where the ancestor may not delegate",
    build: { subjects: [{ id: "x" }], rules: [may(["x:y"])] },
    expect: [],
  },
  {
    id: "none where the delegation is not so deep",
    build: { subjects: [{ id: "x", delegation: { depth: 1 } }], rules: [may(["x:y:z"])] },
    expect: [],
  },
  { id: "none where the ancestor has it too", build: { subjects: [x], rules: [may(["x", "x:y"])] }, expect: [] },
  { id: "none for what only begins like it", build: { subjects: [x], rules: [may(["xy:z"])] }, expect: [] },
  {
    id: "a realm's role that a delegate gets",
    build: {
      roles: { m: {} },
      subjects: [x],
      realms: [{ id: "x", roles: ["m"] }],
      rules: [{ roles: ["m"], scopes: ["s"] }],
    },
    expect: ["escalation rules[0]"],
  },
  {
    id: "a realm in a rule",
    build: { subjects: [x], rules: [{ realms: ["x"], scopes: ["s"] }] },
    expect: ["escalation rules[0]"],
  },
  {
    id: "a pattern of sub-identities",
    build: { subjects: [x], rules: [{ subject_pattern: "x:.+", scopes: ["s"] }] },
    expect: ["escalation rules[0]"],
  },
  {
    id: "a pattern of endings",
    build: { subjects: [x], rules: [{ subject_pattern: "[a-z]+:admin", scopes: ["s"] }] },
    expect: ["escalation rules[0]"],
  },
  {
    id: "a chain of an unknown key",
    build: { resources: { r: { chain: ["c"], signoffs: ["d"] } } },
    expect: ["unknown_key resources.r.chain", "unknown_key resources.r.signoffs"],
  },
  {
    id: "a rule of exchange that every job of a platform meets",
    build: exchanging([
      {},
      { claims: { repository_id: "7" } },
      { claims: { ref: "main" }, gives: { audiences: ["b"] } },
    ]),
    expect: ["open_to_all exchange.rules[0]", "never_matches exchange.rules[1]", "open_to_all exchange.rules[2]"],
  },
  {
    id: "no fault of a rule of exchange that names a repository, before one for another client",
    build: exchanging([{ claims: { repository: "a/b" } }, { clients: ["x"], claims: { repository_owner_id: "8" } }]),
    expect: [],
  },
  {
    id: "a role that nobody has",
    build: { roles: { m: {} }, rules: [{ roles: ["m"], scopes: ["s"] }] },
    expect: ["never_matches rules[0]"],
  },
  {
    id: "no fault of a role that is external",
    build: { roles: { m: { external: true } }, rules: [{ roles: ["m"], scopes: ["s"] }] },
    expect: [],
  },
  {
    id: "an operation that there is not",
    build: {
      resources: { r: { operations: ["read"] } },
      rules: [{ subjects: ["a"], resources: ["r"], operations: ["write"] }],
    },
    expect: ["never_matches rules[0]"],
  },
  {
    id: "what is refused whole",
    build: { rules: [may(["a"]), { effect: "deny", subject_pattern: ".+", scopes: ["s", "t"] }] },
    expect: ["never_matches rules[0]"],
  },
  { id: "a rule twice", build: { rules: [may(["a"]), { id: "again", ...may(["a"]) }] }, expect: ["duplicate again"] },
  {
    id: "a rule within another",
    build: { rules: [may(["a"]), may(["a"], ["s", "t"])] },
    expect: ["duplicate rules[0]"],
  },
  {
    id: "no fault of a longer life",
    build: {
      rules: [
        { ...may(["a"]), lifetime: 9 },
        { ...may(["a"], ["s", "t"]), lifetime: 5 },
      ],
    },
    expect: [],
  },
  {
    id: "a part that is refused",
    build: { rules: [may(["a"], ["s", "t"]), { effect: "deny", ...may(["a"]) }] },
    expect: ["contradiction rules[1]"],
  },
  {
    id: "an anchor",
    build: { rules: [{ subject_pattern: "^a|b$", scopes: ["s"] }] },
    expect: ["not_anchored rules[0]"],
  },
  {
    id: "a pattern with any beginning",
    build: { rules: [{ subject_pattern: ".*admin", scopes: ["s"] }] },
    expect: ["not_anchored rules[0]"],
  },
  {
    id: "no fault of signs that are quoted",
    build: { rules: [{ subject_pattern: "a\\$[$^]", scopes: ["s"] }] },
    expect: [],
  },
];

describe("checkPolicy", () => {
  for (const { id, build, expect } of rows) {
    it(`finds ${id}`, () => {
      const found = checkPolicy(policyOf(build));
      assert.deepEqual(
        found.map(({ code, at }) => `${code} ${at}`),
        expect,
      );
      for (const { message } of found) assert.ok(!message.includes("undefined"), message);
    });
  }

  it("says where it stopped when it may not compare all", () => {
    const subjects = [{ id: "x", delegation: true }];
    const policy = policyOf({ subjects, rules: [may(["x:a"], ["s", "t"]), may(["x:b"], ["s"])] });
    const codes = (atMost?: number) =>
      checkPolicy(policy, atMost === undefined ? {} : { atMost }).map(({ code }) => code);
    assert.deepEqual(codes(), ["escalation", "escalation"]);
    assert.deepEqual(codes(1), ["escalation", "unchecked"]);
    assert.deepEqual(codes(4), ["escalation", "escalation"]);
  });

  it("finds nothing in the tables of the public test server", () => {
    assert.deepEqual(checkPolicy(compilePolicy(readPolicy(clientsTable, resourcesTable))), []);
  });
});
