import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  checkPolicy,
  compilePolicy,
  decide,
  type Policy,
  type PolicyDecision,
  type PolicyRequest,
  readPolicy,
} from "@countersign/authority";
import { parse } from "smol-toml";

const page = readFileSync(new URL("../../../docs/policy.md", import.meta.url), "utf8");

/** The documents on the page, in its order. */
const documents = [...page.matchAll(/```toml\n([^`]*)```/g)]
  .map(([, text = ""]) => text)
  .filter((text) => text.startsWith("format ="));

const policies = documents.map((text) => compilePolicy(readPolicy(parse(text))));
const [scopes, denial, capability, chain, approval, approvals, everything] = policies;

const scope = (subject: string, name: string, more: object = {}): PolicyRequest => ({
  kind: "access_token",
  subject,
  scope: name,
  ...more,
});
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
const web = { client: "web", roles: ["auditor"] };

/** What the page says of its documents. */
const rows: readonly (readonly [Policy | undefined, PolicyRequest, string | false])[] = [
  [scopes, scope("u1", "audit.read", web), "audit"],
  [scopes, scope("u1", "audit.read", { ...web, client: "other" }), false],
  [scopes, scope("u1", "audit.read", { client: "web" }), false],
  [scopes, scope("u1", "superuser", { roles: ["superuser"] }), "administrators"],
  [scopes, scope("u1", "other", web), false],
  [denial, scope("u1", "orders.read", { client: "script" }), "scopes_need_rule"],
  [denial, scope("u1", "payments.make", { client: "script" }), false],
  [capability, right("urn:example:billing", "orders", "write"), "billing"],
  [capability, right("urn:example:billing:agent7", "orders", "read"), "agents"],
  [capability, right("urn:example:billing:agent7", "orders", "write"), false],
  [chain, right("urn:example:shop", "orders", "place"), "shop"],
  [approval, right("urn:example:treasury", "payments", "pay"), "treasury"],
  [approvals, signoff("urn:example:treasury", "payments", "pay"), "approve-treasury"],
  [approvals, right("urn:example:treasury", "payments", "pay"), false],
  [everything, right("urn:example:billing", "payments", "pay"), "billing"],
];

describe("docs/policy.md", () => {
  it("shows documents that are read, without an error or escalation in them", () => {
    assert.equal(policies.length, 7);
    for (const policy of policies) {
      const codes = checkPolicy(policy).map(({ code }) => code);
      assert.deepEqual(codes, [], policy.hash);
    }
  });

  for (const [policy, request, rule] of rows) {
    it(`is right about ${JSON.stringify(request)}`, () => {
      assert.ok(policy);
      const decision = decide(policy, request);
      assert.equal(decision.allowed ? decision.rule : false, rule);
    });
  }

  it("is right about chains and signoffs", () => {
    const conditions = (policy: Policy | undefined, request: PolicyRequest) => {
      const decision: PolicyDecision | undefined = policy && decide(policy, request);
      return decision?.allowed === true ? decision.conditions : undefined;
    };
    const placed = conditions(chain, right("urn:example:shop", "orders", "place"));
    assert.deepEqual(
      placed?.chain.map(({ component }) => component),
      ["gateway", "order-service"],
    );
    const signoffs = (operation: string) =>
      conditions(approval, right("urn:example:treasury", "payments", operation))?.signoffs.map(
        ({ component, authorizationService }) => `${component} ${authorizationService}`,
      );
    assert.deepEqual(signoffs("pay"), ["approvals https://approvals.example.com"]);
    assert.deepEqual(signoffs("read"), []);
  });
});
