import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PublicKey } from "@countersign/biscuit";
import {
  attestService,
  delegateIdentity,
  narrowToken,
  signOff,
  verifyAuthorization,
  verifyIdentity,
} from "@countersign/protocol/capability";
import { alice, certified, finance, gateway, ledger, shop, world } from "./world.ts";

const asAlice = certified({ uri: alice });

async function rootOf({ get }: Awaited<ReturnType<typeof world>>): Promise<PublicKey> {
  return PublicKey.fromPem((await get("/public_key", {})).public_key);
}

for (const root_key of ["ed25519", "secp256r1"] as const) {
  describe(`capability endpoints with a root key of ${root_key}`, () => {
    it("issue a token by certificate that verifies offline under the key of /public_key, and here", async () => {
      const w = await world({ capability: { root_key } });
      const rootKey = await rootOf(w);
      assert.equal(rootKey.algorithm, root_key);
      const { token = "" } = await w.get(
        "/request_token",
        { resource: "orders", operation: "read" },
        { from: asAlice },
      );
      const request = { subject: alice, resource: "orders", operation: "read" };
      const verified = await verifyAuthorization(token, request, { rootKey, clock: w.authority.clock });
      assert.equal(verified.expiresAt, Math.floor(w.authority.clock.now() / 1000) * 1000 + 300_000);
      await w.get("/verify_token", { token, ...request });
      const wrong = await w.send("/verify_token", { token, ...request, operation: "write" });
      assert.equal(wrong.status, 401);
    });

    it("issue an identity that is delegated, narrowed and used as a bearer", async () => {
      const w = await world({ capability: { root_key } });
      const options = { rootKey: await rootOf(w), clock: w.authority.clock };
      const issued = await w.get("/request_identity_token", { identifier: null }, { from: asAlice });
      assert.deepEqual([issued.identity, issued.expires_in], [alice, 3600]);
      const agent = await delegateIdentity(issued.token ?? "", { identity: `${alice}:agent1` }, options);
      const sent = (await narrowToken(agent.toBase64(), options)).toBase64();
      const { token = "" } = await w.get("/request_token", { resource: "orders", operation: "read" }, { bearer: sent });
      await verifyAuthorization(token, { subject: `${alice}:agent1`, resource: "orders", operation: "read" }, options);
      const denied = await w.send("/request_token", { resource: "orders", operation: "write" }, { bearer: sent });
      assert.deepEqual([denied.status, denied.body.token], [401, null]);
      assert.equal(denied.body.response_msg, "Unauthorized or unknown resource: orders");
    });

    it("carry a token through its chain", async () => {
      const w = await world({ capability: { root_key } });
      const options = { rootKey: await rootOf(w), clock: w.authority.clock };
      const right = { resource: "invoices", operation: "write" };
      const { token = "" } = await w.get("/request_token", right, { from: asAlice });
      const ask = (shown: string, component: string | null) =>
        w.send("/verify_service_chain_token", { token: shown, subject: alice, resource: "invoices", component });
      assert.equal((await ask(token, "gateway")).status, 200);
      assert.equal((await ask(token, "ledger")).status, 401);
      const first = (await attestService(token, { service: "invoices", key: gateway }, options)).toBase64();
      assert.equal((await ask(first, "ledger")).status, 200);
      assert.equal((await ask(first, null)).status, 401);
      const second = (await attestService(first, { service: "invoices", key: ledger }, options)).toBase64();
      assert.equal((await ask(second, null)).status, 200);
    });

    it("have a realm vouch for its own", async () => {
      const w = await world({ capability: { root_key } });
      const options = { rootKey: await rootOf(w), clock: w.authority.clock };
      const asShop = certified({ uri: shop });
      const user = `${shop}:user1`;
      const minted = await w.get("/mint_identity_token", { subject: user, duration: 600 }, { from: asShop });
      assert.deepEqual([minted.identity, minted.expires_in], [user, 600]);
      const bearer = minted.token ?? "";
      await verifyIdentity(bearer, { identity: user, domain: shop, requireDomain: true }, options);
      const right = { resource: "orders", operation: "read" };
      for (const domain of [shop, undefined]) {
        const { token = "" } = await w.get("/request_token", { ...right, domain }, { bearer });
        await verifyAuthorization(token, { subject: user, ...right }, options);
      }
      assert.equal((await w.send("/request_token", { ...right, domain: "urn:example:other" }, { bearer })).status, 403);
    });

    it("ask for signoffs, of which nobody is forgotten", async () => {
      const w = await world({ capability: { root_key } });
      const options = { rootKey: await rootOf(w), clock: w.authority.clock };
      const right = { resource: "payments", operation: "write" };
      const { token = "", pending_signoffs } = await w.get("/request_token", right, { from: asAlice });
      assert.deepEqual(pending_signoffs, [
        {
          component: "finance",
          authorization_service: "https://finance.example:8443",
          public_key: finance.publicKey.toString(),
        },
      ]);
      const question = { subject: alice, ...right };
      assert.equal((await w.send("/verify_token", { token, ...question })).status, 401);
      const signed = await signOff(token, { component: "finance", key: finance }, options);
      await w.get("/verify_token", { token: signed.toBase64(), ...question });
    });
  });
}
