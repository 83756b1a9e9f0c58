import assert from "node:assert/strict";
import crypto, { generateKeyPairSync } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { mock } from "node:test";
import { algorithms } from "@countersign/protocol";
import { type JWK, type JWTPayload, SignJWT } from "jose";
import type { ClientSettings } from "../../src/clients/client-settings.ts";
import { keys } from "../../src/store/keys.ts";
import type { ClientRecord } from "../../src/store/records.ts";
import { TEST_ISSUER } from "../../src/testing.ts";
import { malleated } from "./malleated.ts";
import { basic, type Scene, type SecurityRow, securityTable } from "./table.ts";

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" });
const clientId = "signer";
const refused = { status: 401, error: "invalid_client" };

interface Wishes {
  readonly claims?: JWTPayload;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: typeof own.privateKey;
  readonly without?: readonly string[];
  readonly lifeSeconds?: number;
}

/** An assertion that is right in everything but the wishes. */
async function assertion(
  { authority }: Scene,
  { claims = {}, header = {}, key = own.privateKey, without = [], lifeSeconds = 60 }: Wishes = {},
) {
  const now = Math.floor(authority.clock.now() / 1000);
  const whole: JWTPayload = {
    iss: clientId,
    sub: clientId,
    aud: TEST_ISSUER,
    iat: now,
    exp: now + lifeSeconds,
    jti: "one",
    ...claims,
  };
  const payload = Object.fromEntries(Object.entries(whole).filter(([name]) => !without.includes(name)));
  return new SignJWT(payload).setProtectedHeader({ alg: "ES256", ...header }).sign(key, { crit: { x: true } });
}

const ownJwk = { ...own.publicKey.export({ format: "jwk" }), kty: "EC" };

async function register(scene: Scene, settings: Partial<ClientSettings> = {}): Promise<void> {
  await scene.authority.client({
    clientId,
    authMethod: "private_key_jwt",
    jwks: { keys: [{ ...ownJwk, alg: "ES256", use: "sig" }] },
    scopes: ["read"],
    ...settings,
  });
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const rsaJwk = { ...rsa.publicKey.export({ format: "jwk" }), kty: "RSA" };

/** Keys that verify nothing here, and stand in many sets for those that use them (RFC 7517 section 5). */
const bystanders: readonly JWK[] = [
  { ...rsaJwk, kid: "enc", use: "enc" },
  { ...rsaJwk, kid: "oaep", alg: "RSA-OAEP-256" },
  { kty: "OKP", crv: "X25519", x: "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo", kid: "x" },
  { kty: "EC", crv: "secp256k1", x: "A".repeat(43), y: "A".repeat(43), kid: "k1" },
  { kty: "XYZ", kid: "later" },
];

function present(scene: Scene, text: string, more: Readonly<Record<string, string>> = {}) {
  const fields = { grant_type: "client_credentials", client_assertion_type: assertionType, client_assertion: text };
  return scene.post({ ...fields, ...more });
}

const accepted: Readonly<Record<string, Wishes>> = {
  "issuer as the one audience": {},
  "typ client-authentication+jwt": { header: { typ: "client-authentication+jwt" } },
};

/** Rows of section A that this server answers as a verifier of assertions. */
const wrong: readonly (readonly [id: string, name: string, wishes: Wishes])[] = [
  ["A3", "signed by another key", { key: foreign.privateKey }],
  ["A23", "a jku header", { header: { jku: "http://127.0.0.1:1/canary" } }],
  [
    "A24",
    "its key embedded in the header",
    { key: foreign.privateKey, header: { jwk: foreign.publicKey.export({ format: "jwk" }) } },
  ],
  ["A26", "an unknown critical header", { header: { crit: ["x"], x: 1 } }],
  ["A37", "no exp", { without: ["exp"] }],
  ["A37", "a life of years", { claims: { exp: 4_102_444_800 } }],
  ["A39", "iat in the future", { claims: { iat: 1_924_992_000, exp: 1_924_992_060 } }],
  ["A40", "the token endpoint as audience (CVE-2025-27370)", { claims: { aud: `${TEST_ISSUER}/oauth/token` } }],
  ["A40", "several audiences (CVE-2025-27371)", { claims: { aud: [TEST_ISSUER, "https://other.example"] } }],
  ["A40", "the issuer with a trailing slash", { claims: { aud: `${TEST_ISSUER}/` } }],
  ["A40", "no audience", { without: ["aud"] }],
  ["A41", "another issuer", { claims: { iss: "somebody" } }],
  ["A41", "another subject", { claims: { sub: "somebody" } }],
  ["A42", "an access token for an assertion", { header: { typ: "at+jwt" } }],
  ["A43", "no jti", { without: ["jti"] }],
];

const endpoint = `${TEST_ISSUER}/oauth/token`;

/** What RFC 7523 and RFC 7517 permit, and libraries send. */
const permitted: readonly (readonly [name: string, settings: Partial<ClientSettings>, wishes: Wishes])[] = [
  ["a life of an hour, as Authlib's", {}, { lifeSeconds: 3600 }],
  ["a kid, for a key that has none", { jwks: { keys: [ownJwk] } }, { header: { kid: "2026-01" } }],
  ["a set with keys for others", { jwks: { keys: [...bystanders, ownJwk] } }, {}],
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map((alg): (typeof permitted)[number] => [
    `${alg} by an RSA key without alg`,
    { jwks: { keys: [rsaJwk] } },
    { key: rsa.privateKey, header: { alg } },
  ]),
  ...[endpoint, [endpoint], [TEST_ISSUER, endpoint], ["https://other.example", endpoint], TEST_ISSUER].map(
    (aud): (typeof permitted)[number] => [
      `aud ${JSON.stringify(aud)}, by a client that may`,
      { assertionAudience: "issuer or token endpoint" },
      { claims: { aud } },
    ],
  ),
];

/** The reason stands in the log, in words that say what to change. */
const told: readonly (readonly [wishes: Wishes, settings: Partial<ClientSettings>, detail: RegExp])[] = [
  [{ claims: { aud: endpoint } }, {}, /wrong_audience.*aud must be http:\/\/localhost:8080 alone.*assertion_audience/],
  [
    { claims: { aud: "https://other.example" } },
    { assertionAudience: "issuer or token endpoint" },
    /wrong_audience.*aud must hold http:\/\/localhost:8080 or its token endpoint/,
  ],
  [{ lifeSeconds: 3601 + 30 }, {}, /lifetime_too_long.*3600 seconds/],
  [{ claims: { iss: "somebody" } }, {}, /wrong_issuer.*iss must be signer/],
  [{ header: { alg: "ES256", kid: "b" } }, { jwks: { keys: [{ ...ownJwk, kid: "a" }] } }, /unknown_key.*kid and alg/],
  [{ without: ["jti"] }, {}, /missing_claim \(jti\)/],
  [{ key: foreign.privateKey }, {}, /bad_signature/],
  [{ key: rsa.privateKey, header: { alg: "PS256" } }, { jwks: { keys: [{ ...rsaJwk, alg: "RS256" }] } }, /unknown_key/],
];

/** The log names the client, and says why. */
const tellsOf =
  (detail: RegExp) =>
  (_answer: unknown, { authority }: Scene): void => {
    const event = authority.events.findLast(({ name }) => name === "token.refused");
    const told = String(event?.name === "token.refused" && event.fields.detail);
    assert.match(told, /^client /);
    assert.match(told, detail);
  };

const rows: readonly SecurityRow[] = [
  ...permitted.map(
    ([name, settings, wishes]): SecurityRow => ({
      id: "A0",
      name: `accepted: ${name}`,
      async build(scene) {
        await register(scene, settings);
        return present(scene, await assertion(scene, wishes));
      },
      expect: { status: 200 },
    }),
  ),
  ...told.map(
    ([wishes, settings, detail]): SecurityRow => ({
      id: "A0",
      name: `the log says of ${JSON.stringify({ ...wishes, key: undefined })}: ${detail.source.slice(0, 30)}`,
      async build(scene) {
        await register(scene, settings);
        return present(scene, await assertion(scene, wishes));
      },
      expect: refused,
      also: tellsOf(detail),
    }),
  ),
  {
    id: "E6",
    name: "an assertion that nobody verified yet imports four keys at most, and none twice",
    async build(scene) {
      const many = Array.from(
        { length: 16 },
        (_, n): JWK => ({ ...rsaJwk, kid: n < 4 ? "same" : `k${n}`, alg: "RS256" }),
      );
      const distinct = many.map((jwk, n) => ({
        ...jwk,
        alg: n < 4 ? (["RS256", "RS384", "RS512", "PS256"][n] ?? "") : "RS256",
      }));
      await register(scene, { jwks: { keys: distinct } });
      const imports = mock.method(crypto, "createPublicKey");
      syncBuiltinESMExports();
      const forged = (header: object) =>
        assertion(scene, { key: rsa.privateKey, header: { alg: "RS256", ...header }, claims: { jti: "f", aud: "x" } });
      await present(scene, await forged({ kid: "same" }));
      const first = imports.mock.callCount();
      await present(scene, await forged({ kid: "same" }));
      await present(scene, await forged({ kid: "none" }));
      const answer = await present(scene, await forged({}));
      assert.deepEqual([first, imports.mock.callCount()], [1, 1]);
      imports.mock.restore();
      syncBuiltinESMExports();
      return answer;
    },
    expect: refused,
  },
  ...Object.entries(accepted).map(
    ([name, wishes]): SecurityRow => ({
      id: "A0",
      name: `accepted: ${name}`,
      async build(scene) {
        await register(scene);
        return present(scene, await assertion(scene, wishes));
      },
      expect: { status: 200 },
    }),
  ),
  ...wrong.map(
    ([id, name, wishes]): SecurityRow => ({
      id,
      name,
      async build(scene) {
        await register(scene);
        return present(scene, await assertion(scene, wishes), { client_id: clientId });
      },
      expect: refused,
    }),
  ),
  {
    id: "A0",
    name: "accepted: ES512, which the metadata offer",
    async build(scene) {
      const metadata = await scene.send("/.well-known/oauth-authorization-server");
      const offered = metadata.body.token_endpoint_auth_signing_alg_values_supported;
      assert.deepEqual(offered, Object.keys(algorithms));
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-521" });
      const jwk = { ...publicKey.export({ format: "jwk" }), kty: "EC" };
      await scene.authority.client({
        clientId,
        authMethod: "private_key_jwt",
        jwks: { keys: [jwk] },
        scopes: ["read"],
      });
      return present(scene, await assertion(scene, { key: privateKey, header: { alg: "ES512" } }));
    },
    expect: { status: 200 },
  },
  {
    id: "A1",
    name: "alg none",
    async build(scene) {
      await register(scene);
      const [, payload] = (await assertion(scene)).split(".");
      return present(scene, `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`, {
        client_id: clientId,
      });
    },
    expect: refused,
  },
  {
    id: "A38",
    name: "expired, beyond the clock skew",
    async build(scene) {
      await register(scene);
      const text = await assertion(scene);
      await scene.authority.clock.advance(90_000);
      return present(scene, text);
    },
    expect: refused,
  },
  {
    id: "A10",
    name: "an assertion shown twice, even with its signature malleated",
    async build(scene) {
      await register(scene);
      const text = await assertion(scene);
      assert.equal((await present(scene, text)).status, 200);
      const again = await present(scene, text);
      assert.equal(again.status, 401);
      return present(scene, malleated(text));
    },
    expect: refused,
  },
  {
    id: "A10",
    name: "50 parallel uses of one assertion have one winner",
    async build(scene) {
      await register(scene);
      const text = await assertion(scene);
      const answers = await Promise.all(Array.from({ length: 50 }, () => present(scene, text)));
      assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
      return present(scene, text);
    },
    expect: refused,
  },
  {
    id: "A14",
    name: "a client registered with a small-order Ed25519 key",
    async build(scene) {
      const x = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]).toString("base64url");
      const jwks = { keys: [{ kty: "OKP", crv: "Ed25519", x }] };
      await assert.rejects(scene.authority.client({ clientId, authMethod: "private_key_jwt", jwks }));
      const signature = Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]).toString("base64url");
      const [, payload] = (await assertion(scene)).split(".");
      const header = Buffer.from('{"alg":"EdDSA"}').toString("base64url");
      return present(scene, `${header}.${payload}.${signature}`);
    },
    expect: refused,
  },
  {
    id: "A44",
    name: "a client whose id could be a user's",
    async build(scene) {
      for (const id of [scene.alice.userId, "admin_id", "user_x"]) {
        await assert.rejects(scene.authority.client({ clientId: id }));
      }
      return scene.post({ grant_type: "client_credentials", client_id: "admin_id", client_secret: "x" });
    },
    expect: refused,
  },
];

const saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";

/** What else a request or a record may lack. */
const incomplete: readonly (readonly [name: string, build: SecurityRow["build"], detail: RegExp])[] = [
  [
    "a client that has to sign, and sends its id alone",
    (scene) => scene.post({ grant_type: "client_credentials", client_id: clientId }),
    /no client_assertion was presented/,
  ],
  [
    "an assertion said to be of another type",
    async (scene) => present(scene, await assertion(scene), { client_assertion_type: saml }),
    /client_assertion_type is not .*jwt-bearer/,
  ],
  [
    "a client whose record holds no keys",
    async (scene) => {
      const { store } = scene.authority.services;
      const item = (await store.get<ClientRecord>(keys.client(clientId))) ?? assert.fail("no record");
      const { jwks: _, ...value } = item.value;
      assert.ok(await store.swap(item.key, item.version, { value, ...(item.owner ? { owner: item.owner } : {}) }));
      return present(scene, await assertion(scene));
    },
    /the client has no keys/,
  ],
  [
    "a client that is disabled",
    async (scene) => {
      await scene.authority.services.clients.update(clientId, { disabled: true }, "test");
      return present(scene, await assertion(scene));
    },
    /client signer is disabled/,
  ],
  [
    "a public client that shows an assertion, which nobody would verify",
    (scene) => present(scene, "a.b.c", { client_id: scene.app.id }),
    /the client is public, and a credential was presented/,
  ],
  [
    "a public client that shows a secret in the header",
    ({ post, app }) => post({ grant_type: "client_credentials" }, { headers: basic(app.id, "x") }),
    /the client is public, and a credential was presented/,
  ],
];

/** RFC 7521 section 4.2: the two parameters go together. */
const halves: readonly (readonly [name: string, fields: (text: string) => Readonly<Record<string, string>>])[] = [
  ["an assertion without its type", (text) => ({ client_assertion: text })],
  ["the type of an assertion without one", () => ({ client_assertion_type: assertionType })],
];

const lacking: readonly SecurityRow[] = [
  ...incomplete.map(
    ([name, build, detail]): SecurityRow => ({
      id: "A0",
      name,
      async build(scene) {
        await register(scene);
        return build(scene);
      },
      expect: refused,
      also: tellsOf(detail),
    }),
  ),
  ...halves.map(
    ([name, fields]): SecurityRow => ({
      id: "B16",
      name,
      async build(scene) {
        await register(scene);
        const form = { grant_type: "client_credentials", client_id: clientId };
        return scene.post({ ...form, ...fields(await assertion(scene)) });
      },
      expect: { status: 400, error: "invalid_request" },
    }),
  ),
];

securityTable("Section A: client assertions at the token endpoint", [...rows, ...lacking]);
