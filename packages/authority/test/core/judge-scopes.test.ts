import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Bearer, judgeScopes } from "../../src/core/scope-policy.ts";
import type { ClientRecord } from "../../src/store/records.ts";
import { policyOf } from "../policy/policies.ts";

const policy = policyOf({
  roles: { clerk: { external: true } },
  rules: [
    { id: "clerks", roles: ["clerk"], scopes: ["read"] },
    { id: "nobody", effect: "deny", subject_pattern: ".+", scopes: ["deploy"] },
    { id: "no-clerks", effect: "deny", roles: ["clerk"], scopes: ["write"] },
  ],
});

const aClient = (clientId: string, scopes: readonly string[]): ClientRecord => ({
  clientId,
  clientName: clientId,
  scopes,
  grants: [],
  authMethod: "none",
  loopback: false,
  disabled: false,
  token: {},
  secrets: [],
  createdAt: 0,
  incarnation: clientId,
});
const [clerk, plain] = [aClient("clerk", ["clerk"]), aClient("plain", [])];

/** Whose roles count, by whose scopes they are had, and what the policy leaves: nobody may have `deploy`. */
const rows: readonly (readonly [name: string, Bearer, allowed: readonly string[]])[] = [
  ["a client has its own", { client: clerk }, ["read"]],
  ["a user has their own", { client: plain, user: { userId: "alice", scopes: ["clerk"] } }, ["read"]],
  ["a user has not those of the client", { client: clerk, user: { userId: "alice", scopes: [] } }, []],
  ["another client has its own", { client: plain, subject: { id: "clerk", client: clerk } }, ["read"]],
  ["another client has not those of the one that asks", { client: clerk, subject: { id: "plain", client: plain } }, []],
  [
    "whom another issuer vouches for has none, and needs no rule",
    { client: clerk, subject: { id: "job" } },
    ["read", "write"],
  ],
  [
    "a user of ours needs a rule, whoever vouches",
    { client: plain, user: { userId: "alice", scopes: [] }, subject: { id: "job" } },
    [],
  ],
];

describe("judgeScopes by roles", () => {
  for (const [name, bearer, allowed] of rows) {
    it(name, () => {
      assert.deepEqual(
        judgeScopes(["read", "write", "deploy"], ["https://api.example"], bearer, policy).allowed,
        allowed,
      );
    });
  }
});
