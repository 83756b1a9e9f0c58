import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { prepareFirstStart } from "../../src/users/first-start.ts";
import { recoverAdministrator } from "../../src/users/recovery.ts";
import { aMachine, aRegistration, makeNode, type Node } from "./world.ts";

const machine = aMachine({ clientId: "ops" });

async function started(): Promise<Node> {
  const node = makeNode();
  await (await prepareFirstStart(node)).confirmShown();
  return node;
}

type Step = (node: Node) => Promise<unknown>;

const addOps: Step = ({ clients }) => clients.create(machine, "test");
const addBob: Step = ({ users }) => users.register(aRegistration({ username: "bob", scopes: ["superuser"] }), "test");
const disableAdmin: Step = ({ users }) => users.setDisabled("admin_id", true, "test");
const deleteLoopback: Step = ({ clients }) => clients.delete("loopback", "test");

/** What takes the last way in away. */
const last: readonly { readonly id: string; readonly step: Step }[] = [
  { id: "disable the administrator", step: disableAdmin },
  { id: "delete the administrator", step: ({ users }) => users.delete("admin_id", "test") },
  { id: "take the scope from the administrator", step: ({ users }) => users.setScopes("admin_id", [], "test") },
  { id: "delete the client loopback", step: deleteLoopback },
  { id: "disable the client loopback", step: ({ clients }) => clients.update("loopback", { disabled: true }, "test") },
  { id: "take the scope from loopback", step: ({ clients }) => clients.update("loopback", { scopes: [] }, "test") },
  { id: "take the grant from loopback", step: ({ clients }) => clients.update("loopback", { grants: [] }, "test") },
];

describe("the last superuser", () => {
  for (const { id, step } of last) {
    it(`stays: nobody can ${id} while there is no other, and everybody can while there is one`, async () => {
      const node = await started();
      const before = [await node.users.byId("admin_id"), await node.clients.byId("loopback")];
      await assert.rejects(step(node), { code: "last_superuser" });
      assert.deepEqual([await node.users.byId("admin_id"), await node.clients.byId("loopback")], before);
      await addOps(node);
      await step(node);
    });
  }

  it("is another user with a client to log in with, or a client with a credential of its own", async () => {
    const node = await started();
    await addBob(node);
    await disableAdmin(node);
    await assert.rejects(deleteLoopback(node), { code: "last_superuser" });
    await addOps(node);
    await deleteLoopback(node);
    await assert.rejects(node.clients.delete("ops", "test"), { code: "last_superuser" });
    await assert.rejects(node.clients.update("ops", { authMethod: "none", grants: [] }, "test"), {
      code: "last_superuser",
    });
    await node.clients.update("ops", { clientName: "operations" }, "test");
  });

  it("is one of two that are taken away at the same time", async () => {
    for (let round = 0; round < 20; round++) {
      const node = await started();
      const bob = await node.users.register(aRegistration({ username: "bob", scopes: ["superuser"] }), "test");
      const outcomes = await Promise.allSettled([disableAdmin(node), node.users.setDisabled(bob.userId, true, "test")]);
      const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
      assert.equal(refused.length, 1);
      assert.ok(refused[0] instanceof CountersignError && refused[0].code === "last_superuser");
    }
  });

  it("keeps nobody from changes where there is none anyway", async () => {
    const { users, clients } = makeNode();
    const bob = await users.register(aRegistration({ scopes: ["superuser"] }), "test");
    await users.setDisabled(bob.userId, true, "test");
    await clients.create(machine, "test");
    await clients.create({ ...machine, clientId: "spare" }, "test");
    await clients.delete("spare", "test");
  });
});

const password = "a new long password";
const login = { username: "admin", password, clientId: "loopback" };

/** What has become of the way in before a recovery; some of it by other versions, or by hand. */
const ruins: readonly { readonly id: string; readonly spoil: Step }[] = [
  { id: "nothing", spoil: async () => {} },
  { id: "the administrator disabled", spoil: disableAdmin },
  { id: "the administrator deleted", spoil: ({ users }) => users.delete("admin_id", "test") },
  { id: "the administrator without scopes", spoil: ({ users }) => users.setScopes("admin_id", ["read"], "test") },
  { id: "the client loopback deleted", spoil: deleteLoopback },
  {
    id: "the client loopback disabled",
    spoil: ({ clients }) => clients.update("loopback", { disabled: true }, "test"),
  },
  {
    id: "the client loopback a client like others",
    spoil: ({ clients }) =>
      clients.update("loopback", { ...machine, clientId: "loopback", clientName: "other" }, "test"),
  },
  {
    id: "superuser refused by the policy",
    spoil: ({ policy }) => {
      const closed = { format: "countersign-policy/1", version: 1, scopes_need_rule: true };
      return policy.set(closed, { actor: "test" });
    },
  },
  {
    id: "the account tried too often",
    spoil: async ({ limits }) => {
      for (let n = 0; n < 20; n++) await limits.countLogin({ username: "admin" });
    },
  },
];

describe("recoverAdministrator", () => {
  for (const { id, spoil } of ruins) {
    it(`lets the administrator in again: ${id}`, async () => {
      const node = await started();
      await addOps(node);
      await spoil(node);
      const { userId, isPolicyRemoved } = await recoverAdministrator(node, password);
      assert.equal(isPolicyRemoved, id.includes("policy"));
      assert.equal((await node.policy.current()).policy, undefined);
      const admin = await node.users.authenticate(login);
      assert.equal(admin.userId, userId);
      assert.ok(admin.scopes.includes("superuser"));
      const { clientName, loopback, disabled, scopes, grants, authMethod } =
        (await node.clients.byId("loopback")) ?? {};
      assert.deepEqual(
        { clientName, loopback, disabled, scopes, grants, authMethod },
        {
          clientName: "loopback",
          loopback: true,
          disabled: false,
          scopes: ["superuser"],
          grants: ["password"],
          authMethod: "none",
        },
      );
    });
  }
});
