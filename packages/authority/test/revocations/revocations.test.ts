import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { createRevocations, type NewRevocation, type Revocations } from "../../src/revocations/revocations.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { makeNode } from "../users/world.ts";

const DAY = 86_400_000;
const block = (letter: string) => letter.repeat(128);

async function world() {
  const clock = new FakeClock();
  const store = createMemoryStore({ clock });
  const node = (seed = 2) => {
    const { random, audit } = makeNode({ clock, store, seed });
    const revocations = createRevocations({ store, clock, random, audit });
    const revoke = (kind: NewRevocation["kind"], id: string, lifeMs = DAY) => {
      const event = { name: "revocation.added", fields: { kind, id, actor: "test" } } as const;
      return revocations.revoke({ kind, id, expiresAt: clock.now() + lifeMs }, { event });
    };
    return { revocations, revoke, audit };
  };
  return { clock, store, node, first: node() };
}

const idsOf = async (revocations: Revocations, list?: string, position = 0, limit = 100) =>
  (await revocations.since(list, position, limit)).entries.map(({ id }) => id);

describe("the list of what is revoked", () => {
  it("knows what was revoked at once, by kind, until it expires", async () => {
    const { first, clock } = await world();
    const { revocations, revoke } = first;
    assert.equal(await revoke("block", block("a")), true);
    assert.equal(await revoke("jti", "token-1", 1000), true);
    assert.deepEqual(
      [revocations.has(block("a")), revocations.has(block("b")), revocations.has("token-1")],
      [true, false, false],
    );
    assert.deepEqual([revocations.hasToken("token-1"), revocations.hasToken(block("a"))], [true, false]);
    await clock.advance(1000 + 119_999);
    assert.equal(revocations.hasToken("token-1"), true, "a verifier's clock may be behind");
    await clock.advance(1);
    assert.deepEqual([revocations.hasToken("token-1"), revocations.has(block("a"))], [false, true]);
    assert.deepEqual(await idsOf(revocations), [block("a")]);
  });

  it("is seen by another node when it looks, and after a restart", async () => {
    const { first, node } = await world();
    const second = node(3);
    await second.revocations.current();
    await first.revoke("block", block("a"));
    assert.equal(second.revocations.has(block("a")), false);
    assert.equal((await second.revocations.current()).has(block("a")), true);
    await second.revoke("block", block("b"));
    assert.deepEqual(await idsOf((await first.revocations.current()) && first.revocations), [block("a"), block("b")]);
    assert.deepEqual(await idsOf(node(4).revocations), [block("a"), block("b")]);
  });

  it("takes a revocation again without another entry or record, and one for longer with both", async () => {
    const { first } = await world();
    assert.deepEqual([await first.revoke("block", block("a")), await first.revoke("block", block("a"))], [true, false]);
    assert.equal(await first.revoke("block", block("a"), 2 * DAY), true);
    const records = await first.audit.read({ limit: 10, name: "revocation.added" });
    assert.equal(records.length, 2);
    assert.deepEqual(await idsOf(first.revocations), [block("a")]);
  });

  it("loses none of those that are revoked at once, on two nodes", async () => {
    const { first, node } = await world();
    const second = node(3);
    const ids = Array.from({ length: 40 }, (_, at) => block("0123456789abcdef"[at % 16] ?? "").slice(2) + (10 + at));
    await Promise.all(ids.map((id, at) => (at % 2 === 0 ? first : second).revoke("block", id)));
    for (const { revocations } of [first, second]) {
      await revocations.current();
      assert.ok(ids.every((id) => revocations.has(id)));
      const { entries, position } = await revocations.since(undefined, 0, 100);
      assert.equal(position, 40);
      assert.deepEqual(
        entries.map((entry) => entry.position),
        ids.map((_, at) => at + 1),
      );
    }
  });

  it("is read on from a position, page by page; from the start where it is another list", async () => {
    const { first } = await world();
    for (const letter of ["a", "b", "c"]) await first.revoke("block", block(letter));
    const { revocations } = first;
    const page = await revocations.since(undefined, 0, 2);
    assert.deepEqual([page.position, page.more], [2, true]);
    assert.deepEqual(await idsOf(revocations, page.list, page.position), [block("c")]);
    assert.deepEqual(await idsOf(revocations, page.list, 3), []);
    assert.deepEqual(await idsOf(revocations, "another", 3), [block("a"), block("b"), block("c")]);
  });

  it("reads more than a page of the store after a restart", async () => {
    const { first, node } = await world();
    for (let at = 0; at < 1100; at++) await first.revoke("block", String(at).padStart(128, "0"));
    const { revocations } = node(5);
    await revocations.current();
    assert.ok([0, 5, 999, 1000, 1099].every((at) => revocations.has(String(at).padStart(128, "0"))));
  });
});
