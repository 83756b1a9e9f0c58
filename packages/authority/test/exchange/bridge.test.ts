import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tokenTypes } from "@countersign/protocol";
import {
  authenticateIdentity,
  delegateIdentity,
  inspectToken,
  verifyAuthorization,
} from "@countersign/protocol/capability";
import { seededRandom } from "@countersign/protocol/testing";
import { decodeJwt } from "jose";
import { issueIdentity } from "../../src/core/capability/issue.ts";
import { ownTokens } from "../../src/core/capability/root-keys.ts";
import { tokenExchange } from "../../src/grants/token-exchange.ts";
import {
  type FormFields,
  TEST_ISSUER,
  type TestAuthority,
  type TestResponse,
  testAuthority,
} from "../../src/testing.ts";

const { accessToken, identityToken, authorizationToken } = tokenTypes;
const scopes = ["identity", "orders:read", "orders:write", "payments:pay", "superuser", "mail"];
const key = "ed25519/9c3e8f10e0e8eeef1db086915a15a590e7d838683841719b5e70ddab2115b826";

const policy = {
  format: "countersign-policy/1",
  version: 1,
  subjects: [{ id: "svc", delegation: true }, { id: "urn:example:other" }],
  components: { finance: { public_key: key } },
  resources: { orders: {}, payments: { signoffs: ["finance"] } },
  rules: [
    { id: "orders", subjects: ["svc"], resources: ["orders"], operations: ["read", "write"], lifetime: 200 },
    { id: "payments", subjects: ["svc"], resources: ["payments"], operations: ["pay"] },
  ],
};

/** What a policy gives the subject as capability tokens that a JWT can say, too. */
const policyRights = ["orders:read", "orders:write"];

async function bridge() {
  const authority = await testAuthority({ policy });
  const grants = ["client_credentials", tokenExchange.type];
  const token = { audience: ["orders", "payments", TEST_ISSUER] };
  const { secret } = await authority.client({ clientId: "svc", scopes, grants, token });
  const as = { client_id: "svc", client_secret: secret };
  const jwt = async (scope: string, audience: string | readonly string[] = TEST_ISSUER) => {
    const { status, body } = await authority.form("/oauth/token", {
      ...as,
      grant_type: "client_credentials",
      scope,
      audience,
    });
    assert.equal(status, 200, JSON.stringify(body));
    return String(body.access_token);
  };
  const exchange = (fields: FormFields) =>
    authority.form("/oauth/token", { ...as, grant_type: tokenExchange.type, ...fields });
  const from = (type: string) => (token: string, fields: FormFields) =>
    exchange({ subject_token: token, subject_token_type: type, ...fields });
  return {
    authority,
    jwt,
    exchange,
    ofJwt: from(accessToken),
    ofIdentity: from(identityToken),
    ofAuthorization: from(authorizationToken),
  };
}

function given({ status, body }: TestResponse): string {
  assert.equal(status, 200, JSON.stringify(body));
  return String(body.access_token);
}

describe("a JWT as a capability token, and back", () => {
  it("makes an identity token that is nobody else's, ends no later, and is not to be delegated", async () => {
    const { authority, jwt, ofJwt } = await bridge();
    const source = await jwt("identity");
    await authority.clock.advance(600_500);
    const response = await ofJwt(source, { requested_token_type: identityToken });
    const { issued_token_type, token_type, expires_in, scope } = response.body;
    assert.deepEqual([issued_token_type, token_type, scope], [identityToken, "N_A", "identity"]);
    assert.equal(expires_in, 299);
    const options = ownTokens(authority.services);
    const { subject, isDelegatable } = await authenticateIdentity(given(response), {}, options);
    assert.deepEqual({ subject, isDelegatable }, { subject: "svc", isDelegatable: false });
    const { expiresAt = 0 } = await inspectToken(given(response), options);
    assert.ok(expiresAt <= Number(decodeJwt(source).exp) * 1000);
    await authority.close();
  });

  it("makes an authorization token for the one right that a scope names, and for as long as the policy says", async () => {
    const { authority, jwt, ofJwt } = await bridge();
    const response = await ofJwt(await jwt("orders:read orders:write", "orders"), {
      requested_token_type: authorizationToken,
      scope: "orders:read",
    });
    assert.equal(response.body.expires_in, 200);
    const options = ownTokens(authority.services);
    const right = { subject: "svc", resource: "orders", operation: "read" };
    await verifyAuthorization(given(response), right, options);
    await assert.rejects(verifyAuthorization(given(response), { ...right, operation: "write" }, options));
    await authority.close();
  });

  it("keeps the signoffs that the policy asks for", async () => {
    const { authority, jwt, ofJwt } = await bridge();
    const token = given(
      await ofJwt(await jwt("payments:pay", "payments"), { requested_token_type: authorizationToken }),
    );
    const right = { subject: "svc", resource: "payments", operation: "pay" };
    await assert.rejects(verifyAuthorization(token, right, ownTokens(authority.services)), { code: "signoff_missing" });
    await authority.close();
  });

  it("makes a JWT of an identity token for what the policy gives its subject, and of an authorization token for its right", async () => {
    const { authority, jwt, ofJwt, ofIdentity, ofAuthorization } = await bridge();
    const identity = given(await ofJwt(await jwt("identity"), { requested_token_type: identityToken }));
    const back = decodeJwt(given(await ofIdentity(identity, { scope: "orders:write" })));
    assert.deepEqual([back.sub, back.scope, back.aud], ["svc", "orders:write", "orders"]);
    assert.equal(Number(back.exp) - Number(back.iat), 200);
    const whole = decodeJwt(given(await ofIdentity(identity, {})));
    assert.deepEqual([whole.scope, whole.aud], ["identity", TEST_ISSUER]);
    const authorization = given(
      await ofJwt(await jwt("orders:read", "orders"), { requested_token_type: authorizationToken }),
    );
    const right = decodeJwt(given(await ofAuthorization(authorization, {})));
    assert.deepEqual([right.scope, right.aud], ["orders:read", "orders"]);
    await authority.close();
  });

  type Bridge = Awaited<ReturnType<typeof bridge>>;
  const refusals: Readonly<Record<string, readonly [string, (bridge: Bridge) => Promise<TestResponse>]>> = {
    "an identity token without the scope for it": [
      "invalid_scope",
      async ({ jwt, ofJwt }) => ofJwt(await jwt("mail"), { requested_token_type: identityToken }),
    ],
    "an identity token beside another scope": [
      "invalid_scope",
      async ({ jwt, ofJwt }) =>
        ofJwt(await jwt("identity mail"), { requested_token_type: identityToken, scope: "identity mail" }),
    ],
    "an identity token from a JWT for others": [
      "invalid_request",
      async ({ jwt, ofJwt }) => ofJwt(await jwt("identity", "orders"), { requested_token_type: identityToken }),
    ],
    "two rights in one token": [
      "invalid_scope",
      async ({ jwt, ofJwt }) =>
        ofJwt(await jwt("orders:read orders:write"), { requested_token_type: authorizationToken }),
    ],
    "a right that the JWT has not": [
      "invalid_scope",
      async ({ jwt, ofJwt }) =>
        ofJwt(await jwt("orders:read"), { requested_token_type: authorizationToken, scope: "orders:write" }),
    ],
    "a right at a resource that the JWT is not for": [
      "invalid_request",
      async ({ jwt, ofJwt }) =>
        ofJwt(await jwt("orders:read", "payments"), { requested_token_type: authorizationToken }),
    ],
    "a scope that names no right": [
      "invalid_scope",
      async ({ jwt, ofJwt }) => ofJwt(await jwt("mail"), { requested_token_type: authorizationToken }),
    ],
    "a JWT of an identity token for what wants a signoff": [
      "invalid_scope",
      async ({ jwt, ofJwt, ofIdentity }) =>
        ofIdentity(given(await ofJwt(await jwt("identity"), { requested_token_type: identityToken })), {
          scope: "payments:pay",
        }),
    ],
    "a JWT of an identity token for what is no capability": [
      "invalid_scope",
      async ({ jwt, ofJwt, ofIdentity }) =>
        ofIdentity(given(await ofJwt(await jwt("identity"), { requested_token_type: identityToken })), {
          scope: "mail",
        }),
    ],
    "a JWT for another audience than the right's": [
      "invalid_target",
      async ({ jwt, ofJwt, ofAuthorization }) =>
        ofAuthorization(given(await ofJwt(await jwt("orders:read"), { requested_token_type: authorizationToken })), {
          audience: TEST_ISSUER,
        }),
    ],
    "an authorization token as an identity token": [
      "invalid_request",
      async ({ jwt, ofJwt, ofIdentity }) =>
        ofIdentity(given(await ofJwt(await jwt("orders:read"), { requested_token_type: authorizationToken })), {}),
    ],
    "a capability token as a JWT": [
      "invalid_request",
      async ({ jwt, ofJwt }) =>
        ofJwt(given(await ofJwt(await jwt("identity"), { requested_token_type: identityToken })), {}),
    ],
    "a capability token for another one": [
      "invalid_request",
      async ({ jwt, ofJwt, ofIdentity }) =>
        ofIdentity(given(await ofJwt(await jwt("identity"), { requested_token_type: identityToken })), {
          requested_token_type: authorizationToken,
        }),
    ],
    "what is no token": ["invalid_request", async ({ ofIdentity }) => ofIdentity("c4n4ry", {})],
    "an identity token that was delegated": [
      "invalid_request",
      async ({ authority, ofIdentity }) => {
        const issued = await issue(authority, { subject: "svc", delegatable: true });
        const options = { ...ownTokens(authority.services), lifetimeMs: 60_000 };
        const delegated = await delegateIdentity(issued, { identity: "svc:laptop" }, options);
        return ofIdentity(delegated.toBase64(), {});
      },
    ],
    "an identity token of a realm": [
      "invalid_request",
      async ({ authority, ofIdentity }) =>
        ofIdentity(await issue(authority, { subject: "urn:a:b", domain: "urn:a" }), {}),
    ],
    "an identity token of a user who is not there": [
      "invalid_request",
      async ({ authority, ofIdentity }) => ofIdentity(await issue(authority, { subject: "user_gone" }), {}),
    ],
    "an identity token of a client that is disabled": [
      "invalid_request",
      async ({ authority, ofIdentity }) => {
        await authority.client({ clientId: "gone", disabled: true });
        return ofIdentity(await issue(authority, { subject: "gone" }), {});
      },
    ],
    "a JWT for whose subject somebody acts": [
      "invalid_request",
      async ({ jwt, exchange, ofJwt, authority }) => {
        const { secret } = await authority.client({ clientId: "bot", token: { audience: ["svc"] } });
        const asBot = { grant_type: "client_credentials", client_id: "bot", client_secret: secret };
        const actor = String((await authority.form("/oauth/token", asBot)).body.access_token);
        const acting = { actor_token: actor, actor_token_type: accessToken };
        const subject = { subject_token: await jwt("identity"), subject_token_type: accessToken };
        return ofJwt(given(await exchange({ ...subject, ...acting })), { requested_token_type: identityToken });
      },
    ],
    "a token that wants signoffs": [
      "invalid_request",
      async ({ jwt, ofJwt, ofAuthorization }) =>
        ofAuthorization(
          given(await ofJwt(await jwt("payments:pay"), { requested_token_type: authorizationToken })),
          {},
        ),
    ],
    "a token that expired": [
      "invalid_request",
      async ({ authority, jwt, ofJwt, ofAuthorization }) => {
        const token = given(await ofJwt(await jwt("orders:read"), { requested_token_type: authorizationToken }));
        await authority.clock.advance(201_000);
        return ofAuthorization(token, {});
      },
    ],
  };
  for (const [name, [error, build]] of Object.entries(refusals)) {
    it(`refuses ${name}`, async () => {
      const scene = await bridge();
      const { status, body } = await build(scene);
      assert.deepEqual([status, body.error], [400, error], JSON.stringify(body));
      await scene.authority.close();
    });
  }

  it("never permits more nor lives longer than what went in, whatever is exchanged for what", async () => {
    const scene = await bridge();
    const random = seededRandom(11);
    const pick = <Value>(values: readonly Value[]): Value => values[(random.bytes(1)[0] ?? 0) % values.length] as Value;
    let exchanged = 0;
    for (let chain = 0; chain < 60; chain++) {
      const some = scopes.filter((scope) => scope !== "superuser" && pick([true, false]));
      let held = {
        type: accessToken as string,
        token: await scene.jwt(some.join(" ") || "mail", pick([TEST_ISSUER, "orders", ["orders", "payments"]])),
      };
      for (let step = 0; step < 6; step++) {
        await scene.authority.clock.advance(pick([0, 1, 999, 7_000]));
        const scope = pick([
          "",
          "identity",
          "orders:read",
          "orders:write",
          "payments:pay",
          "mail",
          "superuser",
          "orders:read identity",
        ]);
        const wanted = pick([accessToken, identityToken, authorizationToken]);
        const audience = pick(["", "", TEST_ISSUER, "orders"]);
        const response = await scene.exchange({
          subject_token: held.token,
          subject_token_type: held.type,
          requested_token_type: wanted,
          scope,
          audience,
        });
        if (response.status !== 200) continue;
        const next = { type: wanted, token: given(response) };
        const [before, after] = [await meaning(held, scene.authority), await meaning(next, scene.authority)];
        const more = [...after.rights].filter((right) => !before.rights.has(right));
        assert.deepEqual(more, [], `${held.type} to ${wanted} with ${scope} for ${audience}`);
        assert.ok(after.expiresAt <= before.expiresAt);
        held = next;
        exchanged++;
      }
    }
    assert.ok(exchanged > 60, `only ${exchanged} exchanges succeeded`);
    await scene.authority.close();
  });
});

async function issue(
  { services }: TestAuthority,
  content: Parameters<typeof issueIdentity>[0]["content"],
): Promise<string> {
  return (await issueIdentity({ content, lifetimeMs: 60_000, context: {} }, services)).token;
}

/** All that the holder of a token can do with it, and until when. */
async function meaning(
  { type, token }: { readonly type: string; readonly token: string },
  { services }: TestAuthority,
) {
  if (type === accessToken) {
    const { scope, aud, exp = 0 } = decodeJwt<{ scope?: string }>(token);
    const audience = [aud ?? []].flat();
    const rights = (scope?.split(" ") ?? []).flatMap((name) => {
      if (name === "identity") return audience.includes(TEST_ISSUER) ? [name, ...policyRights] : [];
      const [resource = ""] = name.split(":");
      return name.includes(":") && (audience.includes(resource) || audience.includes(TEST_ISSUER))
        ? [name]
        : audience.map((to) => `${name} at ${to}`);
    });
    return { rights: new Set(rights), expiresAt: exp * 1000 };
  }
  const inspected = await inspectToken(token, ownTokens(services));
  const { expiresAt = Number.POSITIVE_INFINITY } = inspected;
  if (inspected.kind === "identity") return { rights: new Set(["identity", ...policyRights]), expiresAt };
  const named = inspected.kind === "authorization" ? inspected.rights : [];
  return { rights: new Set(named.map(({ resource, operation }) => `${resource}:${operation}`)), expiresAt };
}
