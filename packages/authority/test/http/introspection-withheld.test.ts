import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testAuthority } from "../../src/testing.ts";

/** RFC 7662 section 4: who may not learn of a token gets the answer for an unknown one, and the log alone says why. */
describe("POST /oauth/introspect: an access token that the caller may not learn of", () => {
  const api = "https://api.example";
  const rows = [
    { id: "a client that is nobody to it", client: {}, told: true },
    { id: "a client with another scope", client: { scopes: ["read"] }, told: true },
    { id: "a client that it is meant for", client: { clientId: "audience" }, audience: "audience", told: false },
    { id: "a client with the scope introspect", client: { scopes: ["introspect"] }, told: false },
    { id: "a client with the scope superuser", client: { scopes: ["superuser"] }, told: false },
  ];
  for (const { id, client, audience = api, told } of rows) {
    it(id, async (context) => {
      const authority = await testAuthority();
      context.after(() => authority.close());
      const proofOf = (made: Awaited<ReturnType<typeof authority.client>>) => ({
        client_id: made.client.clientId,
        client_secret: made.secret,
      });
      const holder = proofOf(await authority.client({ token: { audience: [audience] } }));
      const issued = await authority.form("/oauth/token", { grant_type: "client_credentials", ...holder });
      const token = String(issued.body.access_token);
      const asker = proofOf(await authority.client(client));
      const { status, body } = await authority.form("/oauth/introspect", { ...asker, token });
      assert.equal(status, 200);
      if (told) assert.deepEqual(body, { active: false });
      else assert.equal(body.active, true);
      const withheld = authority.events.filter(({ name }) => name === "introspection.withheld");
      const { jti } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
      assert.deepEqual(
        withheld.map(({ fields }) => fields),
        told ? [{ clientId: asker.client_id, jti }] : [],
      );
      // Of what is no token of this authority there is nothing to withhold.
      await authority.form("/oauth/introspect", { ...asker, token: `${token}x` });
      assert.equal(authority.events.filter(({ name }) => name === "introspection.withheld").length, withheld.length);
    });
  }
});
