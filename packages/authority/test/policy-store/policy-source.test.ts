import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import type { PolicyInput } from "../../src/policy/document.ts";
import { type PackedDocument, type PolicyRecord, packDocument } from "../../src/policy-store/policy-record.ts";
import { StoredPolicySource } from "../../src/policy-store/policy-source.ts";
import { keys } from "../../src/store/keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { testAuthority } from "../../src/testing.ts";
import { policyOf } from "../policy/policies.ts";

const reading: NonNullable<PolicyInput["rules"]>[number] = {
  id: "reading",
  subjects: ["urn:a"],
  resources: ["orders"],
  operations: ["read"],
};
const mayRead = { kind: "authorization", subject: "urn:a", resource: "orders", operation: "read" } as const;

function recordOf(revision: number, document?: PackedDocument): PolicyRecord {
  const record = { revision, changedAt: 0, actor: "test" };
  return document === undefined ? { ...record, change: "delete" } : { ...record, change: "set", document };
}

const allowing = packDocument(policyOf({ rules: [reading] }));

function setUp({ exclusive = false } = {}) {
  const clock = new FakeClock();
  const memory = createMemoryStore({ clock });
  let reads = 0;
  const store = {
    ...memory,
    exclusive,
    commit: memory.commit.bind(memory),
    get: <Value>(key: string) => {
      reads += 1;
      return memory.get<Value>(key);
    },
  } as typeof memory;
  const source = new StoredPolicySource({ store, clock });
  const write = async (record: PolicyRecord) => {
    const item = await memory.get(keys.policy());
    await memory.swap(keys.policy(), item?.version ?? 0, { value: record });
  };
  return { clock, store, source, write, reads: () => reads };
}

describe("a source of policies", () => {
  it("refuses everything, and says why, where there is none", async () => {
    const { source } = setUp();
    assert.deepEqual(await source.current(), { origin: "none", revision: 0 });
    assert.deepEqual(await source.decide(mayRead), { allowed: false, reason: "no_policy" });
  });

  it("decides by the store's policy, read once in five seconds", async () => {
    const { source, write, clock, reads } = setUp();
    await write(recordOf(1, allowing));
    for (let at = 0; at < 3; at++) assert.equal((await source.decide(mayRead)).allowed, true);
    assert.equal(reads(), 1);
    await write(recordOf(2));
    await clock.advance(4999);
    assert.equal((await source.decide(mayRead)).allowed, true);
    await clock.advance(1);
    assert.deepEqual(await source.decide(mayRead), { allowed: false, reason: "no_policy" });
    assert.equal((await source.current()).revision, 2);
  });

  it("reads a store that it alone writes once", async () => {
    const { source, write, clock, reads } = setUp({ exclusive: true });
    await write(recordOf(1, allowing));
    await source.current();
    await clock.advance(1e9);
    await source.current();
    assert.equal(reads(), 1);
  });

  it("reads anew when it is told to, also while it is reading", async () => {
    const { source, write } = setUp();
    const before = source.current();
    await write(recordOf(1, allowing));
    source.expire();
    assert.equal((await source.current()).revision, 1);
    await before;
    assert.equal((await source.current()).revision, 1);
    await write(recordOf(2));
    source.expire();
    assert.equal((await source.current()).revision, 2);
  });

  it("does not go back to an older revision than it knows", async () => {
    const { source, write, clock } = setUp();
    await write(recordOf(1, allowing));
    source.adopt(recordOf(2));
    await clock.advance(5000);
    assert.equal((await source.current()).revision, 2);
  });

  it("judges nobody where the store cannot be read", async () => {
    const { source, write, store, clock } = setUp();
    await write(recordOf(1, allowing));
    await source.current();
    await clock.advance(5000);
    store.get = () => Promise.reject(new CountersignError("temporarily_unavailable"));
    await assert.rejects(source.decide(mayRead), { code: "temporarily_unavailable" });
  });

  it("judges nobody by a document that it cannot read", async () => {
    const { source, write } = setUp();
    const packed = Buffer.from("{}").toString("base64");
    await write(recordOf(1, { ...allowing, packed }));
    await assert.rejects(source.decide(mayRead), { code: "temporarily_unavailable", detail: /^revision 1 of/ });
  });
});

describe("an authority with a policy in its configuration", () => {
  it("decides by it, whatever the store holds", async () => {
    const clock = new FakeClock();
    const store = createMemoryStore({ clock });
    await store.swap(keys.policy(), 0, { value: recordOf(7, packDocument(policyOf({}))) });
    const policy = { format: "countersign-policy/1", version: 3, rules: [reading] };
    const { services } = await testAuthority({ store, clock, policy });
    assert.equal((await services.policy.current()).origin, "configuration");
    assert.equal((await services.policy.decide(mayRead)).allowed, true);
  });
});
