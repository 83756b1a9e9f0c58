import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { sha256 } from "@countersign/protocol";
import type { JWK } from "jose";
import type { ClientSettings } from "../../src/clients/client-settings.ts";
import { keys } from "../../src/store/keys.ts";
import { makeNode } from "../users/world.ts";

function settings(fields: Partial<ClientSettings> = {}): ClientSettings {
  return {
    clientName: "Reports",
    scopes: ["read"],
    grants: ["client_credentials"],
    loopback: false,
    authMethod: "client_secret_basic",
    token: {},
    disabled: false,
    ...fields,
  };
}

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { publicKey: weakRsa } = generateKeyPairSync("rsa", { modulusLength: 1024 });
const publicJwk: JWK = { ...publicKey.export({ format: "jwk" }), kid: "k1" };
const privateJwk: JWK = { ...privateKey.export({ format: "jwk" }), kid: "k1" };

// A self-signed P-256 certificate for CN=client, valid from 2026 to 2126.
const certificate =
  "MIIBeTCCAR+gAwIBAgIUM66d+Xv0xQ4tguvubnBMpMY0GqcwCgYIKoZIzj0EAwIwETEPMA0GA1UEAwwGY2xpZW50MCAXDTI2MTEyMjAyNDkzNFoYDzIxMjYxMDI5MDI0OTM0WjARMQ8wDQYDVQQDDAZjbGllbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASlXxCLGgKZT+ymfLG/VYCsL3JXixA/s2M3LHODx2Lt3J7NPhN5KZsAq9NfxZZgQTU9YJz+tMuZ5uiPty1CK0Vho1MwUTAdBgNVHQ4EFgQUyr7aS0F6JHxwJkDkwhMEjFT5BqowHwYDVR0jBBgwFoAUyr7aS0F6JHxwJkDkwhMEjFT5BqowDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBH+wagbw3irhk1odErbxLKDOrl5rOI6OMuBPZfq7BuwAIhALtyP4880SoKPYbOs+SqY++itmdKl0pbOgAWWHrtb1mQ";

describe("ClientService.create", () => {
  it("makes an id and a secret of 256 bits, and keeps only the secret's SHA-256", async () => {
    const { clients, store } = makeNode();
    const { client, secret } = await clients.create(settings(), "test");
    assert.match(client.clientId, /^client_[0-9a-f-]{36}$/);
    assert.equal(Buffer.from(secret ?? "", "base64url").length, 32);
    assert.deepEqual(
      client.secrets.map(({ hash, expiresAt }) => ({ hash, expiresAt })),
      [{ hash: sha256(secret ?? ""), expiresAt: undefined }],
    );
    assert.deepEqual(await clients.byId(client.clientId), client);
    assert.ok(!JSON.stringify(await store.get(keys.client(client.clientId))).includes(secret ?? "?"));
  });

  const good: readonly { readonly id: string; readonly fields: Partial<ClientSettings>; readonly secret: boolean }[] = [
    { id: "client_secret_post", fields: { authMethod: "client_secret_post" }, secret: true },
    { id: "a public client", fields: { authMethod: "none", grants: ["password", "refresh_token"] }, secret: false },
    { id: "private_key_jwt", fields: { authMethod: "private_key_jwt", jwks: { keys: [publicJwk] } }, secret: false },
    {
      id: "tls_client_auth",
      fields: { authMethod: "tls_client_auth", certificate: { sanDns: "client.example" } },
      secret: false,
    },
    {
      id: "self_signed_tls_client_auth",
      fields: { authMethod: "self_signed_tls_client_auth", jwks: { keys: [{ ...publicJwk, x5c: [certificate] }] } },
      secret: false,
    },
    { id: "a given id", fields: { clientId: "My.app_1-x" }, secret: true },
    { id: "no grants and no scopes", fields: { grants: [], scopes: [] }, secret: true },
    {
      id: "every token setting",
      fields: {
        token: {
          profile: "plain",
          algorithm: "ML-DSA-65",
          audience: ["https://api.example", "urn:b"],
          accessTokenTtlMs: 10_000,
          refreshIdleTtlMs: 60_000,
          refreshAbsoluteTtlMs: 3660 * 86_400_000,
        },
      },
      secret: true,
    },
  ];
  for (const { id, fields, secret } of good) {
    it(`takes ${id}`, async () => {
      const { clients } = makeNode();
      const made = await clients.create(settings(fields), "test");
      assert.equal(made.secret !== undefined, secret);
      const { clientId, createdAt, incarnation, secrets, ...kept } = made.client;
      const { clientId: given = clientId, ...wanted } = settings(fields);
      assert.deepEqual(kept, wanted);
      assert.equal(clientId, given);
    });
  }

  it("drops credentials of another method than the client's, and what is named twice", async () => {
    const { clients } = makeNode();
    const { client } = await clients.create(
      settings({
        jwks: { keys: [publicJwk] },
        certificate: { sanDns: "a.example" },
        scopes: ["a", "b", "a"],
        grants: ["client_credentials", "client_credentials"],
      }),
      "test",
    );
    assert.deepEqual([client.jwks, client.certificate], [undefined, undefined]);
    assert.deepEqual([client.scopes, client.grants], [["a", "b"], ["client_credentials"]]);
  });

  const metadata = "invalid_client_metadata";
  const bad: readonly { readonly id: string; readonly fields: object; readonly code: string }[] = [
    { id: "A44 the administrator's id", fields: { clientId: "admin_id" }, code: metadata },
    { id: "A44 an id that looks like a user's", fields: { clientId: "user_1" }, code: metadata },
    { id: "an empty id", fields: { clientId: "" }, code: metadata },
    { id: "an id of 65 characters", fields: { clientId: "x".repeat(65) }, code: metadata },
    { id: "an id with a slash", fields: { clientId: "../admin" }, code: metadata },
    { id: "an id with a newline", fields: { clientId: "app\n" }, code: metadata },
    { id: "an empty name", fields: { clientName: "  " }, code: metadata },
    { id: "a name with a control", fields: { clientName: "a\r\nb" }, code: metadata },
    { id: "a name of 257 characters", fields: { clientName: "x".repeat(257) }, code: metadata },
    { id: "an unknown grant", fields: { grants: ["implicit"] }, code: metadata },
    { id: "an unknown method", fields: { authMethod: "client_secret_jwt" }, code: metadata },
    { id: "a method that every object has", fields: { authMethod: "toString" }, code: metadata },
    { id: "C6 client_credentials without credentials", fields: { authMethod: "none" }, code: metadata },
    { id: "a scope with a space", fields: { scopes: ["a b"] }, code: "invalid_scope" },
    { id: "an empty scope", fields: { scopes: [""] }, code: "invalid_scope" },
    { id: "101 scopes", fields: { scopes: Array.from({ length: 101 }, (_, n) => `s${n}`) }, code: "invalid_scope" },
    { id: "private_key_jwt without keys", fields: { authMethod: "private_key_jwt" }, code: metadata },
    {
      id: "private_key_jwt with an empty set",
      fields: { authMethod: "private_key_jwt", jwks: { keys: [] } },
      code: metadata,
    },
    {
      id: "a private key",
      fields: { authMethod: "private_key_jwt", jwks: { keys: [privateJwk] } },
      code: metadata,
    },
    {
      id: "A17 an RSA key of 1024 bits",
      fields: { authMethod: "private_key_jwt", jwks: { keys: [weakRsa.export({ format: "jwk" })] } },
      code: metadata,
    },
    {
      id: "A14 an Ed25519 key of small order",
      fields: {
        authMethod: "private_key_jwt",
        jwks: {
          keys: [{ kty: "OKP", crv: "Ed25519", x: Buffer.from(`01${"00".repeat(31)}`, "hex").toString("base64url") }],
        },
      },
      code: metadata,
    },
    {
      id: "a symmetric key",
      fields: { authMethod: "private_key_jwt", jwks: { keys: [{ kty: "oct", k: "c2VjcmV0" }] } },
      code: metadata,
    },
    {
      id: "a symmetric key beside a good one",
      fields: { authMethod: "private_key_jwt", jwks: { keys: [publicJwk, { kty: "oct", k: "c2VjcmV0" }] } },
      code: metadata,
    },
    {
      id: "a private key of another type beside a good one",
      fields: {
        authMethod: "private_key_jwt",
        jwks: { keys: [publicJwk, { kty: "OKP", crv: "X25519", x: "AA", d: "AA" }] },
      },
      code: metadata,
    },
    {
      id: "a key for signing that is malformed beside a good one",
      fields: { authMethod: "private_key_jwt", jwks: { keys: [publicJwk, { ...publicJwk, x: "AA" }] } },
      code: metadata,
    },
    {
      id: "keys of which none is for signing",
      fields: { authMethod: "private_key_jwt", jwks: { keys: [{ ...publicJwk, use: "enc" }, { kty: "XYZ" }] } },
      code: metadata,
    },
    { id: "a dot segment for its id", fields: { clientId: "." }, code: metadata },
    { id: "two dots for its id", fields: { clientId: ".." }, code: metadata },
    { id: "tls_client_auth without a name", fields: { authMethod: "tls_client_auth" }, code: metadata },
    {
      id: "tls_client_auth with two names",
      fields: { authMethod: "tls_client_auth", certificate: { sanDns: "a.example", sanUri: "urn:a" } },
      code: metadata,
    },
    {
      id: "tls_client_auth with an empty name",
      fields: { authMethod: "tls_client_auth", certificate: { sanDns: "" } },
      code: metadata,
    },
    {
      id: "tls_client_auth with an address that is none",
      fields: { authMethod: "tls_client_auth", certificate: { sanIp: "localhost" } },
      code: metadata,
    },
    {
      id: "self_signed_tls_client_auth without a certificate",
      fields: { authMethod: "self_signed_tls_client_auth", jwks: { keys: [publicJwk] } },
      code: metadata,
    },
    {
      id: "self_signed_tls_client_auth with a private key",
      fields: { authMethod: "self_signed_tls_client_auth", jwks: { keys: [{ ...privateJwk, x5c: [certificate] }] } },
      code: metadata,
    },
    { id: "an unknown profile", fields: { token: { profile: "opaque" } }, code: metadata },
    { id: "an algorithm we do not sign with", fields: { token: { algorithm: "HS256" } }, code: metadata },
    { id: "an empty list of audiences", fields: { token: { audience: [] } }, code: metadata },
    { id: "an audience with a space", fields: { token: { audience: ["a b"] } }, code: metadata },
    {
      id: "51 audiences",
      fields: { token: { audience: Array.from({ length: 51 }, (_, n) => `a${n}`) } },
      code: metadata,
    },
    { id: "a life below 10 s", fields: { token: { accessTokenTtlMs: 9_999 } }, code: metadata },
    { id: "a life above a day", fields: { token: { accessTokenTtlMs: 86_400_001 } }, code: metadata },
    { id: "a life that is no number", fields: { token: { refreshIdleTtlMs: Number.NaN } }, code: metadata },
    { id: "a life with a fraction", fields: { token: { refreshAbsoluteTtlMs: 60_000.5 } }, code: metadata },
  ];
  for (const { id, fields, code } of bad) {
    it(`refuses ${id}, and writes nothing`, async () => {
      const { clients, audit } = makeNode();
      // The row breaks the type on purpose: the service must not rely on its caller.
      await assert.rejects(clients.create({ ...settings(), ...fields } as ClientSettings, "test"), { code });
      assert.deepEqual(await clients.list({ limit: 10 }), []);
      assert.deepEqual(await audit.read({ limit: 10 }), []);
    });
  }

  it("gives one id once, however many ask for it at the same time", async () => {
    const { clients } = makeNode();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => clients.create(settings({ clientId: "app", clientName: `n${n}` }), "test")),
    );
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    assert.equal(refused.length, 49);
    assert.ok(refused.every(({ reason }) => reason.code === "already_exists"));
  });
});

describe("ClientService.update", () => {
  it("replaces what is given and keeps the rest, secrets included", async () => {
    const { clients } = makeNode();
    const { client } = await clients.create(settings(), "test");
    const updated = await clients.update(client.clientId, { scopes: ["write"], disabled: true }, "test");
    assert.deepEqual(updated, { ...client, scopes: ["write"], disabled: true });
    assert.deepEqual(await clients.byId(client.clientId), updated);
  });

  it("forgets the credentials of a method that is left", async () => {
    const { clients } = makeNode();
    const { client } = await clients.create(settings(), "test");
    const keyed = await clients.update(
      client.clientId,
      { authMethod: "private_key_jwt", jwks: { keys: [publicJwk] } },
      "test",
    );
    assert.deepEqual(keyed.secrets, []);
    const back = await clients.update(client.clientId, { authMethod: "client_secret_basic" }, "test");
    assert.deepEqual([back.jwks, back.secrets], [undefined, []]);
  });

  it("refuses an unknown client, another id, and settings that do not fit together", async () => {
    const { clients, audit } = makeNode();
    const { client } = await clients.create(settings(), "test");
    await assert.rejects(clients.update("none", { scopes: [] }, "test"), { code: "not_found" });
    for (const changes of [{ clientId: "other" }, { authMethod: "none" as const }, { grants: ["x" as never] }]) {
      await assert.rejects(clients.update(client.clientId, changes, "test"), { code: "invalid_client_metadata" });
    }
    assert.deepEqual(await clients.byId(client.clientId), client);
    assert.equal((await audit.read({ limit: 10 })).length, 1);
  });

  it("loses none of two changes at once", async () => {
    const { clients } = makeNode();
    const { client } = await clients.create(settings(), "test");
    await Promise.all([
      clients.update(client.clientId, { clientName: "New" }, "test"),
      clients.update(client.clientId, { scopes: ["write"] }, "test"),
      clients.update(client.clientId, { token: { accessTokenTtlMs: 60_000 } }, "test"),
      clients.update(client.clientId, { token: { audience: ["orders"] } }, "test"),
    ]);
    const { clientName, scopes, token } = (await clients.byId(client.clientId)) ?? {};
    assert.deepEqual([clientName, scopes], ["New", ["write"]]);
    assert.deepEqual(token, { accessTokenTtlMs: 60_000, audience: ["orders"] });
  });
});

describe("ClientService.rotateSecret", () => {
  it("gives a new secret and lets the newest old one go on for the overlap: never more than two", async () => {
    const { clients, clock } = makeNode();
    const { client } = await clients.create(settings(), "test");
    const first = await clients.rotateSecret(client.clientId, 60_000, "test");
    const [fresh, old] = first.client.secrets;
    assert.equal(fresh?.hash, sha256(first.secret));
    assert.deepEqual(old, { ...client.secrets[0], expiresAt: clock.now() + 60_000 });
    const second = await clients.rotateSecret(client.clientId, 60_000, "test");
    assert.deepEqual(
      second.client.secrets.map(({ hash }) => hash),
      [sha256(second.secret), sha256(first.secret)],
    );
  });

  it("ends the old secret at once without an overlap", async () => {
    const { clients } = makeNode();
    const { client } = await clients.create(settings(), "test");
    const { client: rotated } = await clients.rotateSecret(client.clientId, 0, "test");
    assert.equal(rotated.secrets.length, 1);
    assert.notEqual(rotated.secrets[0]?.hash, client.secrets[0]?.hash);
  });

  for (const overlapMs of [-1, 0.5, Number.NaN, 90 * 86_400_000 + 1]) {
    it(`refuses an overlap of ${overlapMs} ms`, async () => {
      const { clients } = makeNode();
      const { client } = await clients.create(settings(), "test");
      await assert.rejects(clients.rotateSecret(client.clientId, overlapMs, "test"), { code: "invalid_request" });
    });
  }

  it("refuses a client that uses no secret, and one that does not exist", async () => {
    const { clients } = makeNode();
    const { client } = await clients.create(settings({ authMethod: "none", grants: ["password"] }), "test");
    await assert.rejects(clients.rotateSecret(client.clientId, 0, "test"), { code: "invalid_client_metadata" });
    await assert.rejects(clients.rotateSecret("none", 0, "test"), { code: "not_found" });
  });
});

describe("ClientService.rotateSecret, many at once", () => {
  it("gives one secret, and that works: whoever is refused has none", async () => {
    const { clients } = makeNode();
    const { client } = await clients.create(settings(), "test");
    const rotations = Array.from({ length: 16 }, () => clients.rotateSecret(client.clientId, 0, "test"));
    const outcomes = await Promise.allSettled(rotations);
    const given = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [sha256(outcome.value.secret)] : []));
    const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason.code] : []));
    assert.deepEqual(refused, Array(15).fill("conflict"));
    assert.deepEqual(
      given,
      (await clients.byId(client.clientId))?.secrets.map(({ hash }) => hash),
    );
  });
});

describe("ClientService.delete", () => {
  it("removes a client, once", async () => {
    const { clients } = makeNode();
    const { client } = await clients.create(settings(), "test");
    await clients.delete(client.clientId, "test");
    assert.equal(await clients.byId(client.clientId), undefined);
    await assert.rejects(clients.delete(client.clientId, "test"), { code: "not_found" });
    await assert.rejects(clients.update(client.clientId, { scopes: [] }, "test"), { code: "not_found" });
  });
});

describe("ClientService.list", () => {
  it("pages in the order of the ids and searches ids and names in any case", async () => {
    const { clients } = makeNode();
    for (const clientId of ["a", "b", "c"])
      await clients.create(settings({ clientId, clientName: `App ${clientId}` }), "test");
    const ids = async (page: Parameters<typeof clients.list>[0]) =>
      (await clients.list(page)).map(({ clientId }) => clientId);
    assert.deepEqual(await ids({ limit: 2 }), ["a", "b"]);
    assert.deepEqual(await ids({ limit: 2, after: "b" }), ["c"]);
    assert.deepEqual(await ids({ limit: 5, search: "APP C" }), ["c"]);
    assert.deepEqual(await ids({ limit: 5, search: "b" }), ["b"]);
    assert.deepEqual(await ids({ limit: 5, search: "zzz" }), []);
  });
});
