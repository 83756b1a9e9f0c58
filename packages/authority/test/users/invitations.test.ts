import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createInvitations } from "../../src/users/invitations.ts";
import { aroundStore } from "./around-store.ts";
import { aRegistration, makeNode } from "./world.ts";

const hourMs = 3_600_000;

function makeInviting() {
  const node = makeNode();
  return { ...node, invitations: createInvitations(node) };
}

describe("Invitations", () => {
  it("let one person register; the record names the invitation as the actor", async () => {
    const { users, invitations, audit } = makeInviting();
    const { code, invitation } = await invitations.create(hourMs, "admin_id");
    await users.register(aRegistration({ invitation: code }), "self");
    const [registered] = await audit.read({ limit: 1, name: "user.registered" });
    assert.deepEqual(registered?.fields, {
      userId: (await users.byUsername("alice"))?.userId,
      actor: invitation.invitationId,
    });
    const again = users.register(aRegistration({ username: "bob", invitation: code }), "self");
    await assert.rejects(again, { code: "access_denied" });
    assert.deepEqual(await invitations.list(), []);
  });

  it("let one of many who share a code register at once", async () => {
    const { users, invitations } = makeInviting();
    const { code } = await invitations.create(hourMs, "admin_id");
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) =>
        users.register(aRegistration({ username: `u${n}`, invitation: code }), "self"),
      ),
    );
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await users.list({ limit: 100 })).length, 1);
  });

  it("are kept when the name is taken", async () => {
    const { users, invitations } = makeInviting();
    await users.register(aRegistration(), "test");
    const { code } = await invitations.create(hourMs, "admin_id");
    await assert.rejects(users.register(aRegistration({ invitation: code }), "self"), { code: "already_exists" });
    await users.register(aRegistration({ username: "bob", invitation: code }), "self");
  });

  for (const when of ["before", "after"] as const) {
    it(`are used up with a user or not at all, wherever a process dies: ${when} any call`, async () => {
      for (let dieAt = 1; dieAt <= 8; dieAt++) {
        const { users, invitations, store, clock, audit } = makeInviting();
        const { code } = await invitations.create(hourMs, "admin_id");
        let calls = 0;
        const dying = aroundStore(store, async (_, run) => {
          const dies = ++calls === dieAt;
          if (dies && when === "before") throw new Error("the process died");
          const result = await run();
          if (dies) throw new Error("the process died");
          return result;
        });
        const registration = aRegistration({ invitation: code });
        await makeNode({ store: dying, clock, seed: 2 })
          .users.register(registration, "self")
          .catch(() => {});
        const isThere = (await users.byUsername("alice")) !== undefined;
        assert.equal((await invitations.list()).length, isThere ? 0 : 1);
        assert.equal((await audit.read({ limit: 9, name: "user.registered" })).length, isThere ? 1 : 0);
        const again = users.register(registration, "self");
        if (isThere) await assert.rejects(again, { code: "access_denied" });
        else await again;
      }
    });
  }

  it("expire", async () => {
    const { users, invitations, clock } = makeInviting();
    const { code } = await invitations.create(hourMs, "admin_id");
    clock.jump(hourMs);
    await assert.rejects(users.register(aRegistration({ invitation: code }), "self"), { code: "access_denied" });
    assert.deepEqual(await invitations.list(), []);
  });

  it("stand in the store under a hash: neither key nor value holds the code", async () => {
    const { invitations, store } = makeInviting();
    const { code } = await invitations.create(hourMs, "admin_id");
    assert.match(code, /^[\w-]{24}$/);
    const items = await store.list("invitations", { limit: 10 });
    assert.equal(items.length, 1);
    assert.ok(!JSON.stringify(items).includes(code));
  });

  for (const lifetimeMs of [0, 59_999, 90 * 86_400_000 + 1, Number.NaN, Number.POSITIVE_INFINITY, -1]) {
    it(`refuse a life of ${lifetimeMs} ms`, async () => {
      await assert.rejects(makeInviting().invitations.create(lifetimeMs, "admin_id"), { code: "invalid_request" });
    });
  }
});
