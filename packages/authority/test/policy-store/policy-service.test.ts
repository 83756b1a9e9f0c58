import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { KEPT_REVISIONS, type PolicyService } from "../../src/policy-store/policy-service.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { testAuthority } from "../../src/testing.ts";

const actor = "admin_id";
const reading = { id: "reading", subjects: ["urn:a"], resources: ["orders"], operations: ["read"] };
const documentOf = (version: number, ...rules: readonly object[]) => ({
  format: "countersign-policy/1",
  version,
  rules,
});
const mayRead = { kind: "authorization", subject: "urn:a", resource: "orders", operation: "read" } as const;
const mayManage = { kind: "access_token", subject: "admin_id", scope: "superuser" } as const;

const isAllowed = async (policy: PolicyService) => (await policy.decide(mayRead)).allowed;

async function scene(store = createMemoryStore({ clock: new FakeClock() })) {
  const { services, clock } = await testAuthority({ store });
  const changes = async () =>
    (await services.audit.read({ limit: 10, name: "policy.changed" })).map(({ fields }) => fields);
  return { policy: services.policy, clock, store, changes, services };
}

describe("the policy of the store", () => {
  it("counts at once, with its record in the trail and its place in the history", async () => {
    const { policy, changes } = await scene();
    assert.equal(await isAllowed(policy), false);
    const first = await policy.set(documentOf(7, reading), { actor });
    assert.equal(await isAllowed(policy), true);
    await policy.remove({ actor });
    assert.deepEqual(await policy.decide(mayRead), { allowed: false, reason: "no_policy" });
    const back = await policy.rollback(1, { actor: "other_id" });
    assert.equal(await isAllowed(policy), true);
    assert.equal(back.document?.hash, first.document?.hash);
    const about = { version: "7", hash: first.document?.hash };
    assert.deepEqual(await changes(), [
      { what: "rollback to 1", revision: "3", previous: "2", actor: "other_id", ...about },
      { what: "delete", revision: "2", previous: "1", actor },
      { what: "set", revision: "1", previous: "0", actor, ...about },
    ]);
    const history = await policy.history({ limit: 10 });
    assert.deepEqual(
      history.map(({ revision, change, rolledBackTo }) => [revision, change, rolledBackTo]),
      [
        [3, "rollback", 1],
        [2, "delete", undefined],
        [1, "set", undefined],
      ],
    );
    assert.deepEqual(
      (await policy.history({ limit: 1, before: 3 })).map(({ revision }) => revision),
      [2],
    );
  });

  it("is the same again after a restart, and on another node within five seconds", async () => {
    const { policy, store } = await scene();
    const other = await scene(store);
    assert.equal(await isAllowed(other.policy), false);
    await policy.set(documentOf(1, reading), { actor });
    await other.clock.advance(4999);
    assert.equal(await isAllowed(other.policy), false);
    await other.clock.advance(1);
    assert.equal(await isAllowed(other.policy), true);
    assert.equal(await isAllowed((await scene(store)).policy), true);
  });

  it("takes the same document again without a change", async () => {
    const { policy, changes } = await scene();
    await policy.set(documentOf(1, reading), { actor });
    assert.equal((await policy.set(documentOf(1, reading), { actor })).revision, 1);
    assert.equal((await policy.rollback(1, { actor })).revision, 1);
    assert.equal((await changes()).length, 1);
  });

  it("is set by one of two who expect the same revision", async () => {
    const { policy } = await scene();
    const set = (version: number) => policy.set(documentOf(version, reading), { actor, expectedRevision: 0 });
    const settled = await Promise.allSettled([set(1), set(2)]);
    assert.deepEqual(settled.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    await assert.rejects(set(3), { code: "precondition_failed" });
    assert.equal((await policy.history({ limit: 10 })).length, 1);
  });

  it("is not set, and nothing recorded, where the document is wrong: every fault is named", async () => {
    const { policy, changes } = await scene();
    const wrong = documentOf(1, { ...reading, operations: [] }, { subjects: ["a b"], scopes: ["s"] });
    assert.throws(() => policy.set(wrong, { actor }), { name: "PolicyError" });
    assert.deepEqual(await changes(), []);
    assert.equal(await policy.latest(), undefined);
  });

  it("does not take superuser from whoever sets it", async () => {
    const { policy } = await scene();
    const closed = { ...documentOf(1), scopes_need_rule: true };
    await assert.rejects(policy.set(closed, { actor, keeping: mayManage }), { code: "last_superuser" });
    assert.equal(await policy.latest(), undefined);
    await policy.set(closed, { actor });
    await policy.set(documentOf(2), { actor, keeping: mayManage });
    await assert.rejects(policy.rollback(1, { actor, keeping: mayManage }), { code: "last_superuser" });
    await policy.remove({ actor, keeping: mayManage });
  });

  it("refuses what the store does not take, and keeps what it has", async () => {
    const { policy } = await scene();
    const random = (at: number) => `${Math.sin(at)}${Math.cos(at)}${Math.tan(at)}`;
    const rules = Array.from({ length: 12_000 }, (_, at) => ({ ...reading, id: `r${at}`, resources: [random(at)] }));
    await assert.rejects(policy.set(documentOf(1, ...rules), { actor }), { code: "payload_too_large" });
    assert.equal(await policy.latest(), undefined);
    await policy.set(documentOf(1, ...rules.slice(0, 3000)), { actor });
    assert.equal((await policy.current()).policy?.rules.length, 3000);
  });

  it("keeps the last revisions, and refuses to go back behind them", async () => {
    const { policy } = await scene();
    for (let version = 1; version <= KEPT_REVISIONS + 2; version++) {
      await policy.set(documentOf(version, reading), { actor });
    }
    const history = await policy.history({ limit: 1000 });
    assert.deepEqual([history.length, history.at(0)?.revision], [KEPT_REVISIONS, KEPT_REVISIONS + 2]);
    await assert.rejects(policy.rollback(2, { actor }), { code: "not_found" });
    assert.equal((await policy.rollback(3, { actor })).document?.version, 3);
    for (const none of [0, -1, 1.5, 999]) {
      await assert.rejects(policy.rollback(none, { actor }), { code: "not_found" }, `${none}`);
    }
  });

  it("cannot be removed where there is none, and be none again by going back", async () => {
    const { policy, changes } = await scene();
    await assert.rejects(policy.remove({ actor }), { code: "not_found" });
    await policy.set(documentOf(1, reading), { actor });
    await policy.remove({ actor });
    await assert.rejects(policy.remove({ actor }), { code: "not_found" });
    await policy.rollback(1, { actor });
    await policy.rollback(2, { actor });
    assert.deepEqual(await policy.decide(mayRead), { allowed: false, reason: "no_policy" });
    assert.equal((await changes()).length, 4);
  });

  it("is not changed where the configuration holds it", async () => {
    const { services } = await testAuthority({ policy: documentOf(1, reading) });
    const { policy } = services;
    await assert.rejects(policy.set(documentOf(2), { actor }), { code: "conflict", message: /in the configuration/ });
    await assert.rejects(policy.remove({ actor }), { code: "conflict" });
    assert.equal(await isAllowed(policy), true);
  });
});
