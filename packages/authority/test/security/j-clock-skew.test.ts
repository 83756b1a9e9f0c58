import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { FakeClock } from "@countersign/protocol/testing";
import { SignJWT } from "jose";
import type { Authority } from "../../src/authority.ts";
import { type FormFields, readResponse, TEST_ISSUER, type TestResponse } from "../../src/testing.ts";
import { anotherNode } from "./another-node.ts";
import { formText, type Scene, type SecurityRow, securityTable } from "./table.ts";

const minutes = 60_000;
const apart = 10 * minutes;
const invalidGrant = { status: 400, error: "invalid_grant" };
const refused = { status: 401, error: "invalid_client" };

type Node = Pick<Authority, "fetch">;

/** Runs a script with a second node on the same store, whose clock is ahead of the first one's, or behind. */
async function withNode(
  scene: Scene,
  aheadMs: number,
  script: (node: Node, clock: FakeClock) => Promise<TestResponse>,
): Promise<TestResponse> {
  const clock = new FakeClock(scene.authority.clock.now() + aheadMs);
  const node = await anotherNode(scene.authority, 11, clock);
  try {
    return await script(node, clock);
  } finally {
    await node.services.keys.close();
  }
}

async function postTo({ fetch }: Node, fields: FormFields): Promise<TestResponse> {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const request = new Request(`${TEST_ISSUER}/oauth/token`, { method: "POST", body: formText(fields), headers });
  return readResponse(await fetch(request));
}

const refreshAt = (node: Node, { app }: Scene, token: string) =>
  postTo(node, { grant_type: "refresh_token", client_id: app.id, refresh_token: token });

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = { ...publicKey.export({ format: "jwk" }), kty: "EC", alg: "ES256" };

/** A client's assertion that lives an hour from the time of a clock. */
async function assertionForm(scene: Scene, issuedAt: number): Promise<FormFields> {
  await scene.authority.client({ clientId: "signer", authMethod: "private_key_jwt", jwks: { keys: [jwk] } });
  const iat = Math.floor(issuedAt / 1000);
  const claims = { iss: "signer", sub: "signer", aud: TEST_ISSUER, iat, exp: iat + 3600, jti: "one" };
  return {
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: await new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(privateKey),
  };
}

const directions = { ahead: apart, behind: -apart };

const oneWinner: readonly SecurityRow[] = Object.entries(directions).flatMap(([direction, aheadMs]) => [
  {
    id: "J10",
    name: `parallel refreshes on a node ten minutes ${direction} leave one lineage at most`,
    build: (scene) =>
      withNode(scene, aheadMs, async (node) => {
        const { refresh } = await scene.login();
        const nodes = [scene.authority, node];
        const answers = await Promise.all(
          Array.from({ length: 40 }, (_, n) => refreshAt(nodes[n % 2] ?? node, scene, refresh)),
        );
        const given = answers.filter(({ status }) => status === 200);
        assert.equal(new Set(given.map(({ body }) => body.refresh_token)).size, 1);
        assert.deepEqual(new Set(answers.map(({ body }) => body.error)), new Set([undefined, "invalid_grant"]));
        assert.equal((await refreshAt(node, scene, refresh)).body.error, "invalid_grant");
        return given[0] ?? assert.fail("no refresh won");
      }),
    expect: { status: 200 },
  },
  {
    id: "J10",
    name: `a token spent here is theft on a node ten minutes ${direction}, however short ago`,
    build: (scene) =>
      withNode(scene, aheadMs, async (node) => {
        const { refresh } = await scene.login();
        const next = await scene.refresh(refresh);
        assert.equal((await refreshAt(node, scene, refresh)).body.error, "invalid_grant");
        return scene.refresh(String(next.body.refresh_token));
      }),
    expect: invalidGrant,
  },
  {
    id: "J10",
    name: `an assertion used here is no proof on a node ten minutes ${direction}`,
    config: { tokens: { assertion_lifetime: 3600 } },
    build: (scene) =>
      withNode(scene, aheadMs, async (node, clock) => {
        const form = await assertionForm(scene, Math.min(scene.authority.clock.now(), clock.now()));
        assert.equal((await scene.post(form)).status, 200);
        return postTo(node, form);
      }),
    expect: refused,
    also: (_answer, { authority }) => assert.equal(authority.events.filter(isIssued).length, 1),
  },
]);

const isIssued = ({ name }: { readonly name: string }) => name === "token.issued";

/** A login that lives an hour unused, shown on a node ten minutes ahead or behind after so many minutes here. */
const lifetimes: readonly (readonly [
  direction: keyof typeof directions,
  after: number,
  expect: SecurityRow["expect"],
])[] = [
  ["ahead", 49, { status: 200 }],
  ["ahead", 50, invalidGrant],
  ["behind", 69, { status: 200 }],
  ["behind", 70, invalidGrant],
];

const boundedExpiry: readonly SecurityRow[] = lifetimes.map(([direction, after, expect]) => ({
  id: "J10",
  name: `an hour of idleness, ${after} minutes after the login, on a node ten minutes ${direction}`,
  config: { tokens: { refresh_idle_ttl: 3600 } },
  build: (scene) =>
    withNode(scene, directions[direction], async (node, clock) => {
      const { refresh } = await scene.login();
      await clock.advance(after * minutes);
      return refreshAt(node, scene, refresh);
    }),
  expect,
}));

securityTable("Section J: nodes whose clocks are apart", [...oneWinner, ...boundedExpiry]);
