import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PublicKey } from "@countersign/biscuit";
import { delegateIdentity, inspectToken } from "@countersign/protocol/capability";
import { alice, certified, world } from "./world.ts";

const right = { resource: "orders", operation: "read" };
const asAlice = certified({ uri: alice });

type World = Awaited<ReturnType<typeof world>>;

async function optionsOf(w: World) {
  return { rootKey: PublicKey.fromPem((await w.get("/public_key", {})).public_key), clock: w.authority.clock };
}

async function revoke({ authority }: World, id: string): Promise<void> {
  const { revocations } = authority.services;
  const event = { name: "revocation.added", fields: { kind: "block", id, actor: "test" } } as const;
  await revocations.revoke({ kind: "block", id, expiresAt: authority.clock.now() + 3_600_000 }, { event });
}

describe("a revoked capability token", () => {
  for (const root_key of ["ed25519", "secp256r1"] as const) {
    it(`is refused wherever an identity token is taken, and so is what was made of it: ${root_key}`, async () => {
      const w = await world({ capability: { root_key } });
      const options = await optionsOf(w);
      const issue = async () =>
        (await w.get("/request_identity_token", { identifier: null }, { from: asAlice })).token ?? "";
      const base = await issue();
      const delegated = (await delegateIdentity(base, { identity: `${alice}:agent1` }, options)).toBase64();
      const statuses = async (bearer: string) => [
        (await w.send("/request_token", right, { bearer })).status,
        (await w.send("/refresh_identity_token", { current_token: bearer, identifier: null }, { bearer })).status,
      ];
      assert.deepEqual((await statuses(delegated))[0], 201);
      const { normalizedRevocationIds } = await inspectToken(delegated, options);
      await revoke(w, normalizedRevocationIds[1] ?? "");
      assert.deepEqual(await statuses(delegated), [401, 401]);
      assert.deepEqual(await statuses(base), [201, 200]);
      await revoke(w, normalizedRevocationIds[0] ?? "");
      assert.deepEqual(await statuses(base), [401, 401]);
      assert.deepEqual(await statuses(await issue()), [201, 200], "another token of the same identity");
    });

    it(`is refused where an authorization token is verified: ${root_key}`, async () => {
      const w = await world({ capability: { root_key } });
      const { token = "" } = await w.get("/request_token", right, { from: asAlice });
      const verify = async () => (await w.send("/verify_token", { token, subject: alice, ...right })).status;
      assert.equal(await verify(), 200);
      const { normalizedRevocationIds } = await inspectToken(token, await optionsOf(w));
      await revoke(w, normalizedRevocationIds[0] ?? "");
      assert.equal(await verify(), 401);
    });
  }
});
