import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tokenTypes } from "@countersign/protocol";
import { audiences, claimsIn, type ExchangeScene, exchangeScene, tokenIn } from "./scene.ts";

const { api, ledger } = audiences;
const issuer = "http://localhost:8080";

async function inScene(run: (scene: ExchangeScene) => Promise<void>): Promise<void> {
  const scene = await exchangeScene();
  await run(scene);
  await scene.authority.close();
}

describe("token exchange of our own tokens", () => {
  it("narrows a token for the client that it was given to, and says what it gave", () =>
    inScene(async ({ exchange, aliceToken, userId }) => {
      const response = await exchange("app", { subject_token: await aliceToken(), scope: "read", audience: api });
      assert.deepEqual(response.body.scope, "read");
      assert.equal(response.body.issued_token_type, tokenTypes.accessToken);
      assert.equal(response.body.token_type, "Bearer");
      assert.equal(response.body.refresh_token, undefined);
      const { sub, aud, client_id, act } = claimsIn(response);
      assert.deepEqual({ sub, aud, client_id, act }, { sub: userId, aud: api, client_id: "app", act: undefined });
    }));

  it("keeps all of a token where nothing narrower is asked for", () =>
    inScene(async ({ exchange, aliceToken }) => {
      const { aud, scope } = claimsIn(await exchange("app", { subject_token: await aliceToken() }));
      assert.deepEqual({ aud, scope }, { aud: ["orders", api], scope: "read write" });
    }));

  it("gives whom a token is meant for one for its own audiences, in the name of the same user", () =>
    inScene(async ({ exchange, aliceToken, userId, authority }) => {
      const response = await exchange("orders", {
        subject_token: await aliceToken({ scope: "read" }),
        resource: ledger,
      });
      const { sub, aud, client_id, scope } = claimsIn(response);
      assert.deepEqual(
        { sub, aud, client_id, scope },
        { sub: userId, aud: ledger, client_id: "orders", scope: "read" },
      );
      const active = await authority.form("/oauth/introspect", {
        token: tokenIn(response),
        ...(await introspector(authority)),
      });
      assert.equal(active.body.active, true);
    }));

  it("never lives longer than what went in, whatever the clock's fraction of a second", () =>
    inScene(async ({ exchange, aliceToken, authority: { clock } }) => {
      const token = await aliceToken();
      await clock.advance(600_123);
      const { exp: first } = claimsIn(await exchange("orders", { subject_token: token }));
      const second = await exchange("app", { subject_token: token });
      const { exp } = claimsIn(second);
      const whole = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).exp;
      assert.deepEqual([first, exp, second.body.expires_in], [whole, whole, 300]);
    }));

  it("nests who acts, the last outermost", () =>
    inScene(async ({ exchange, aliceToken, serviceToken, userId }) => {
      const first = await exchange("orders", {
        subject_token: await aliceToken(),
        audience: "billing",
        actor_token: await serviceToken("orders"),
        actor_token_type: tokenTypes.accessToken,
      });
      assert.deepEqual(claimsIn(first).act, { sub: "orders" });
      const second = await exchange("billing", {
        subject_token: tokenIn(first),
        actor_token: await serviceToken("billing"),
        actor_token_type: tokenTypes.jwt,
      });
      const { sub, act } = claimsIn(second);
      assert.deepEqual({ sub, act }, { sub: userId, act: { sub: "billing", act: { sub: "orders" } } });
    }));

  it("keeps who acts where no actor token says anything new", () =>
    inScene(async ({ exchange, aliceToken, serviceToken }) => {
      const delegated = await exchange("orders", {
        subject_token: await aliceToken(),
        actor_token: await serviceToken("orders"),
        actor_token_type: tokenTypes.accessToken,
      });
      const again = await exchange("orders", { subject_token: tokenIn(delegated), scope: "read" });
      assert.deepEqual(claimsIn(again).act, { sub: "orders" });
    }));

  it("lives no longer than the token of who acts", () =>
    inScene(async ({ exchange, aliceToken, serviceToken, authority: { clock, services } }) => {
      await services.clients.update("orders", { token: { accessTokenTtlMs: 60_000 } }, "test");
      const actor = await serviceToken("orders");
      await services.clients.update("orders", { token: { accessTokenTtlMs: 600_000 } }, "test");
      await clock.advance(20_000);
      const fields = { actor_token: actor, actor_token_type: tokenTypes.accessToken };
      const response = await exchange("orders", { subject_token: await aliceToken(), ...fields });
      assert.equal(response.body.expires_in, 40);
    }));

  it("gives another client's own token as one about that client", () =>
    inScene(async ({ exchange, serviceToken, authority }) => {
      const token = await serviceToken("orders", { audience: "billing" });
      const response = await exchange("billing", { subject_token: token, audience: "billing" });
      const { sub, client_id } = claimsIn(response);
      assert.deepEqual({ sub, client_id }, { sub: "orders", client_id: "billing" });
      const ask = async () =>
        (await authority.form("/oauth/introspect", { token: tokenIn(response), ...(await introspector(authority)) }))
          .body.active;
      assert.equal(await ask(), true);
      await authority.services.clients.update("orders", { disabled: true }, "test");
      assert.equal(await ask(), false);
    }));

  it("writes into the trail which tokens it was made from, and who acts", () =>
    inScene(async ({ exchange, aliceToken, serviceToken, authority, userId }) => {
      const [subject, actor] = [await aliceToken(), await serviceToken("orders")];
      await exchange("orders", {
        subject_token: subject,
        actor_token: actor,
        actor_token_type: tokenTypes.accessToken,
      });
      const [record] = await authority.services.audit.read({ limit: 1, name: "token.issued" });
      const jti = (token: string) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).jti;
      assert.ok(record?.name === "token.issued");
      assert.equal(record.fields.userId, userId);
      assert.equal(record.fields.presented, `${jti(subject)} ${jti(actor)}`);
      assert.equal(record.fields.actor, '{"sub":"orders"}');
    }));

  it("gives the management API to no token that it was closed to", () =>
    inScene(async ({ exchange, aliceToken }) => {
      const admin = await aliceToken({ scope: "read superuser" });
      const there = await exchange("orders", { subject_token: admin, audience: issuer });
      assert.equal(there.body.error, "invalid_target");
      const own = await exchange("app", { subject_token: admin, audience: issuer });
      assert.equal(own.body.error, "invalid_target");
      assert.equal((await exchange("app", { subject_token: admin, scope: "superuser" })).body.error, "invalid_scope");
      assert.equal(claimsIn(await exchange("app", { subject_token: admin })).scope, "read");
    }));
});

async function introspector({ client }: ExchangeScene["authority"]) {
  const { client: made, secret } = await client({ scopes: ["introspect"] });
  return { client_id: made.clientId, client_secret: secret };
}
