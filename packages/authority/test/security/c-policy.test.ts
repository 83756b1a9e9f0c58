import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decide } from "../../src/policy/decide.ts";
import type { PolicyInput } from "../../src/policy/document.ts";
import type { RefusalReason } from "../../src/policy/request.ts";
import { policyOf } from "../policy/policies.ts";
import { invalidScope } from "./logins.ts";
import { type Scene, type SecurityRow, securityTable, serviceForm } from "./table.ts";

const everybody = { subject_pattern: ".+" };

/** Sets a policy in which scopes need a rule. */
async function under({ authority }: Scene, sections: Partial<PolicyInput>): Promise<void> {
  const document = { format: "countersign-policy/1", version: 1, scopes_need_rule: true, ...sections };
  await authority.services.policy.set(document, { actor: "test" });
}

const readOnly: Partial<PolicyInput> = { rules: [{ ...everybody, scopes: ["read"] }] };

const escalation: readonly SecurityRow[] = ["superuser", "introspect", "admin"].map((scope) => ({
  id: "C3",
  name: `a policy that allows ${scope} to everybody gives it to nobody who does not have it`,
  build: async (scene) => {
    await under(scene, { rules: [{ ...everybody, scope_pattern: ".+" }] });
    return scene.post(serviceForm(scene, { scope }));
  },
  expect: invalidScope,
}));

const confusions = ["READ", "read:admin", "read.admin", "*", ".+", "rea", "readread", "read%20admin"];
const confusion: readonly SecurityRow[] = confusions.map((scope) => ({
  id: "C5",
  name: `${scope} is not read, for the policy either`,
  build: async (scene) => {
    const { clients } = scene.authority.services;
    await clients.update(scene.service.id, { scopes: ["read", scope] }, "test");
    await under(scene, readOnly);
    return scene.post(serviceForm(scene, { scope }));
  },
  expect: invalidScope,
}));

const refresh: readonly SecurityRow[] = [
  {
    id: "C8",
    name: "a refresh that the policy refuses consumes nothing, and the login goes on",
    build: async (scene) => {
      const { refresh: token } = await scene.login();
      await under(scene, { rules: [{ ...everybody, scopes: ["read", "offline_access"] }] });
      const refused = await scene.refresh(token, { scope: "write" });
      assert.equal((await scene.refresh(token, { scope: "read" })).status, 200);
      return refused;
    },
    expect: invalidScope,
  },
  {
    id: "C3",
    name: "a scope that the policy refuses now is refused to logins from before",
    build: async (scene) => {
      const { refresh: token } = await scene.login();
      await under(scene, {});
      return scene.refresh(token);
    },
    expect: invalidScope,
  },
];

const owned: readonly SecurityRow[] = ["constructor", "toString", "hasOwnProperty"].map((name) => ({
  id: "A35",
  name: `a scope ${name} makes nobody a role that the policy does not have`,
  build: async (scene) => {
    const { clients } = scene.authority.services;
    await clients.update(scene.service.id, { scopes: ["read", name] }, "test");
    await under(scene, { roles: { member: { external: true } }, rules: [{ roles: ["member"], scopes: ["read"] }] });
    return scene.post(serviceForm(scene, { scope: "read" }));
  },
  expect: invalidScope,
}));

securityTable("C: scopes under a policy", [...escalation, ...confusion, ...refresh, ...owned]);

const named = policyOf({
  subjects: [{ id: "alice", delegation: { depth: 1 } }, { pattern: "worker-[a-z0-9-]+\\.internal\\.com" }],
  realms: [{ id: "shop", roles: [] }],
  rules: [
    { id: "alice", subjects: ["alice", "caf\u00e9"], resources: ["r"], operations: ["o"] },
    { id: "laptop", subjects: ["alice:laptop"], resources: ["r"], operations: ["o"] },
    { id: "workers", subject_pattern: "worker-[a-z0-9-]+\\.internal\\.com", resources: ["r"], operations: ["o"] },
    { id: "shop", realms: ["shop"], resources: ["r"], operations: ["o"] },
    { id: "no-mallory", effect: "deny", subjects: ["shop:mallory"], resources: ["r"], operations: ["o"] },
  ],
});

interface NameRow {
  readonly id: string;
  readonly name: string;
  readonly subject: string;
  readonly delegatedFrom?: string;
  readonly resource?: string;
  /** The rule that allows it, or why it is refused. */
  readonly expect: { readonly rule: string } | { readonly reason: RefusalReason };
}

const deep = `alice${":x".repeat(400)}`;

const names: readonly NameRow[] = [
  { id: "G22", name: "a name itself", subject: "alice", expect: { rule: "alice" } },
  { id: "G22", name: "a name that begins like another", subject: "alicex", expect: { reason: "no_rule" } },
  { id: "G22", name: "what is cut of a name", subject: "alic", expect: { reason: "no_rule" } },
  { id: "G22", name: "an empty last part", subject: "alice:", expect: { reason: "malformed" } },
  { id: "G22", name: "an empty first part", subject: ":alice", expect: { reason: "malformed" } },
  { id: "G22", name: "an empty part between", subject: "alice::laptop", expect: { reason: "malformed" } },
  { id: "G22", name: "a name in other case", subject: "Alice", expect: { reason: "no_rule" } },
  { id: "G22", name: "a name with a space after it", subject: "alice ", expect: { reason: "malformed" } },
  { id: "G22", name: "a name that ends with NUL", subject: "alice\0", expect: { reason: "malformed" } },
  { id: "G22", name: "a name with what cannot be seen", subject: "al\u200bice", expect: { reason: "malformed" } },
  { id: "G22", name: "a letter that looks the same", subject: "\u0430lice", expect: { reason: "no_rule" } },
  { id: "G22", name: "full-width letters", subject: "\uff41lice", expect: { reason: "no_rule" } },
  { id: "G22", name: "an accent in two characters", subject: "cafe\u0301", expect: { reason: "malformed" } },
  { id: "G22", name: "an accent in one", subject: "caf\u00e9", expect: { rule: "alice" } },
  { id: "G22", name: "a colon that looks the same", subject: "shop\uff1auser", expect: { reason: "no_rule" } },
  {
    id: "G22",
    name: "a delegate with a right of its own",
    subject: "alice:laptop",
    delegatedFrom: "alice",
    expect: { rule: "laptop" },
  },
  {
    id: "G22",
    name: "a delegate without one",
    subject: "alice:phone",
    delegatedFrom: "alice",
    expect: { reason: "no_rule" },
  },
  {
    id: "G22",
    name: "a delegate of a delegate",
    subject: "alice:laptop:app",
    delegatedFrom: "alice",
    expect: { reason: "too_deep" },
  },
  {
    id: "G22",
    name: "a delegate of another",
    subject: "alice:laptop",
    delegatedFrom: "alic",
    expect: { reason: "not_beneath" },
  },
  {
    id: "G22",
    name: "a delegate of one who may not delegate",
    subject: "shop:a:b",
    delegatedFrom: "shop:a",
    expect: { reason: "not_delegatable" },
  },
  {
    id: "G22",
    name: "four hundred delegations",
    subject: deep,
    delegatedFrom: "alice",
    expect: { reason: "too_deep" },
  },
  { id: "G22", name: "somebody of a realm", subject: "shop:user", expect: { rule: "shop" } },
  { id: "G22", name: "a realm is not of itself", subject: "shop", expect: { reason: "no_rule" } },
  { id: "G22", name: "a realm that begins alike", subject: "shopx:user", expect: { reason: "no_rule" } },
  { id: "G22", name: "beneath somebody who is refused", subject: "shop:mallory:clean", expect: { reason: "denied" } },
  { id: "F7", name: "a host of a pattern", subject: "worker-1.internal.com", expect: { rule: "workers" } },
  { id: "F7", name: "a host that goes on", subject: "worker-1.internal.com.evil.com", expect: { reason: "no_rule" } },
  {
    id: "F7",
    name: "a host that begins before",
    subject: "evil.worker-1.internal.com",
    expect: { reason: "no_rule" },
  },
  { id: "F7", name: "a host of another label", subject: "worker-1.evil.internal.com", expect: { reason: "no_rule" } },
  {
    id: "F7",
    name: "a host where a dot is any character",
    subject: "worker-1.internalxcom",
    expect: { reason: "no_rule" },
  },
  {
    id: "F7",
    name: "a host with a line after it",
    subject: "worker-1.internal.com\n",
    expect: { reason: "malformed" },
  },
  { id: "A35", name: "a subject of an object's own", subject: "constructor", expect: { reason: "no_rule" } },
  {
    id: "A35",
    name: "a resource of an object's own",
    subject: "alice",
    resource: "__proto__",
    expect: { reason: "no_rule" },
  },
];

describe("F, G: names of subjects under a policy", () => {
  for (const { id, name, subject, delegatedFrom, resource = "r", expect } of names) {
    it(`${id}: ${name}: ${JSON.stringify(subject.slice(0, 40))}`, () => {
      const delegation = delegatedFrom === undefined ? {} : { delegatedFrom };
      const decision = decide(named, { kind: "authorization", subject, ...delegation, resource, operation: "o" });
      const is = decision.allowed ? { rule: decision.rule } : { reason: decision.reason };
      assert.deepEqual(is, expect);
    });
  }
});
