import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import { sha256 } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { SignJWT } from "jose";
import { jwtBearer } from "../../src/grants/jwt-bearer.ts";
import { admitRulesVersion } from "../../src/policy-store/rules-version.ts";
import { keys, owners } from "../../src/store/keys.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { TEST_ISSUER, type TestAuthority, testAuthority } from "../../src/testing.ts";
import { prepareFirstStart } from "../../src/users/first-start.ts";
import { createInvitations } from "../../src/users/invitations.ts";
import { foreignIssuer } from "../exchange/foreign.ts";
import { storePath } from "./stores.ts";

const page = readFileSync(new URL("../../../../docs/storage.md", import.meta.url), "utf8");
const dayMs = 86_400_000;

interface DocumentedKey {
  readonly builder: string;
  readonly key: string;
  readonly owner: string;
  readonly keptUntil: string;
}

const documented: readonly DocumentedKey[] = (page.split("\n## ").find((part) => part.startsWith("Keys\n")) ?? "")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => {
    const [builder = "", key = "", owner = "", keptUntil = ""] = line
      .split("|")
      .slice(1)
      .map((cell) => cell.trim());
    return { builder: bare(builder), key: bare(key), owner: bare(owner), keptUntil };
  });

function bare(cell: string): string {
  return cell.replace(/^`(.*)`$/, "$1");
}

/** Values for the placeholders, with characters that must not reach into another key. */
const samples: Readonly<Record<string, string | number>> = {
  userId: "u#1",
  username: "name/ü",
  clientId: "c%23",
  familyId: "f 1",
  code: "code",
  jti: "j#1",
  issuer: "https://idp.example.com",
  name: "account",
  subject: "somebody",
  streamId: "s1",
  position: "0000000001",
  revision: "000000000001",
  listed: "000000000000001",
  id: "id#1",
};

function render(pattern: string): string {
  return pattern
    .replace(/sha256\(\{(\w+)\}\)/g, (_, name) => sha256(`${samples[name]}`))
    .replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(samples[name] ?? ""));
}

function matcher(pattern: string): RegExp {
  const source = pattern.replace(/sha256\(\{\w+\}\)/g, "[\\w-]{43}").replace(/\{\w+\}/g, "[^#]+");
  return new RegExp(`^${source}$`);
}

describe("docs/storage.md: keys", () => {
  it("names every builder of store/keys.ts, and no other", () => {
    assert.deepEqual(documented.map(({ builder }) => builder).sort(), Object.keys(keys).sort());
  });

  for (const { builder, key } of documented) {
    it(`says what keys.${builder} builds`, () => {
      const names = [...key.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
      const build: unknown = Reflect.get(keys, builder);
      assert.ok(typeof build === "function");
      assert.equal(build.length, names.length);
      assert.equal(build(...names.map((name) => samples[name])), render(key));
    });
  }

  it("names every owner of store/keys.ts, and no other", () => {
    const built = [
      owners.users(),
      owners.clients(),
      owners.invitations(),
      owners.familiesOf(`${samples.userId}`),
      owners.policies(),
      owners.revocations(),
      owners.auditStreams(),
      owners.auditStream(`${samples.streamId}`),
    ];
    assert.equal(built.length, Object.keys(owners).length);
    const said = new Set(documented.map(({ owner }) => owner).filter((owner) => owner !== "–"));
    assert.deepEqual([...said].map(render).sort(), built.sort());
  });
});

/** An item as it lies in the file. */
interface Stored {
  readonly key: string;
  readonly owner: string | null;
  readonly expiresAt: number | null;
  readonly value: Readonly<Record<string, unknown>>;
}

/** What the page may say of an item's end, and how that is true of an item. */
const ends: Readonly<Record<string, (item: Stored, used: Used) => boolean>> = {
  removed: ({ expiresAt }) => expiresAt === null,
  "200 newer ones are there": ({ expiresAt }) => expiresAt === null,
  "`absoluteExpiresAt` + 1 day": ({ expiresAt, value }) => expiresAt === Number(value.absoluteExpiresAt) + dayMs,
  "`expiresAt` + 2 minutes": ({ expiresAt, value }) => expiresAt === Number(value.expiresAt) + 120_000,
  "`expiresAt`": ({ expiresAt, value }) => expiresAt === value.expiresAt,
  "the assertion's `exp` + `tokens.clock_skew`": ({ expiresAt }, used) =>
    expiresAt === used.assertionExpiresAt + 30_000,
  "its `exp` + the issuer's `clock_skew`": ({ expiresAt }, used) => expiresAt === used.assertionExpiresAt + 30_000,
  "the token's `exp`": ({ expiresAt }, used) => expiresAt === used.tokenExpiresAt,
  "the limit has no effect": ({ expiresAt }, used) => expiresAt !== null && expiresAt > used.at,
  "ten minutes have passed": ({ expiresAt }, used) => expiresAt === used.at + 600_000,
  "a minute has passed": ({ expiresAt }, used) => expiresAt === used.at + 60_000,
  "a month after its records": ({ expiresAt }, used) => expiresAt === used.at + 430 * dayMs,
  "`at` + `audit.retention`": ({ expiresAt, value }) => expiresAt === Number(value.at) + 400 * dayMs,
};

describe("docs/storage.md: what an authority writes", () => {
  it("is of the keys, owners and lives on the page, each of which occurs", async (context) => {
    const { items, used } = await useEverything(context);
    for (const item of items) {
      const row = documented.find(({ key }) => matcher(key).test(item.key));
      assert.ok(row !== undefined, `not on the page: ${item.key}`);
      if (row.owner === "–") assert.equal(item.owner, null, item.key);
      else assert.match(item.owner ?? "", matcher(row.owner), item.key);
      assert.ok(ends[row.keptUntil]?.(item, used), `${item.key} is kept until ${item.expiresAt}: ${row.keptUntil}`);
    }
    for (const { key } of documented)
      assert.ok(
        items.some((item) => matcher(key).test(item.key)),
        `unused: ${key}`,
      );
  });

  it("lies in the tables on the page", async (context) => {
    const { schema } = await useEverything(context);
    const squeeze = (sql: string) => sql.replace(/\s+/g, " ").replace(/\( | \)/g, (bracket) => bracket.trim());
    const [, shown = ""] = /```sql\n([^`]*)```/.exec(page) ?? [];
    assert.equal(squeeze(schema.map((sql) => `${sql};`).join(" ")), squeeze(shown.trim()));
  });

  it("holds no secret in the clear", async (context) => {
    const { file, used } = await useEverything(context);
    assert.equal(used.secrets.length, 8);
    for (const secret of used.secrets) {
      assert.ok(secret.length >= 16);
      assert.equal(file.includes(secret), false, `the file holds ${secret}`);
    }
  });
});

/** What a run used, to be compared with what it left. */
interface Used {
  readonly at: number;
  readonly assertionExpiresAt: number;
  readonly tokenExpiresAt: number;
  readonly secrets: readonly string[];
}

/** What a run left behind. */
interface Left {
  readonly items: readonly Stored[];
  readonly used: Used;
  readonly schema: readonly string[];
  readonly file: Buffer;
}

/** Runs an authority through everything that it stores, and reads its file. */
async function useEverything(context: TestContext): Promise<Left> {
  const clock = new FakeClock();
  const path = storePath(context);
  const store = await openSqliteStore({ path, clock, busyTimeoutMs: 1 });
  const authority = await testAuthority({ store, clock });
  {
    using other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    await assert.rejects(authority.services.audit.record("user.deleted", { userId: "u", actor: "a" }));
  }
  assert.equal(await store.failure?.(), undefined);
  const used = await run(authority);
  await authority.close();
  await store.close();
  using database = new DatabaseSync(path);
  const items = database
    .prepare("SELECT key, owner, expires_at, value FROM item")
    .all()
    .map((row) => ({
      key: String(row.key),
      owner: row.owner === null ? null : String(row.owner),
      expiresAt: row.expires_at === null ? null : Number(row.expires_at),
      value: JSON.parse(String(row.value)),
    }));
  const schema = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").all();
  return { items, used, schema: schema.map(({ sql }) => String(sql)), file: readFileSync(path) };
}

async function run(authority: TestAuthority): Promise<Used> {
  const { services, clock } = authority;
  const { adminPassword = "", confirmShown } = await prepareFirstStart(services);
  await confirmShown();
  await services.store.commit([{ key: "absent", expectedVersion: 0 }], { id: "one" });
  await presentOnce(authority);
  await admitRulesVersion(services.store, 1, "sealed rules");
  const { code } = await createInvitations(services).create(dayMs, "admin_id");
  const settings = { scopes: ["superuser", "offline_access"], grants: ["password", "refresh_token"] } as const;
  const { client, secret } = await authority.client(settings);
  const asClient = { client_id: client.clientId, client_secret: secret };
  const login = { grant_type: "password", username: "admin", password: adminPassword, scope: "offline_access" };
  // A right password leaves no limit behind.
  await authority.form("/oauth/token", { ...asClient, ...login, password: "a wrong password" });
  const first = await authority.form("/oauth/token", { ...asClient, ...login });
  const firstRefresh = String(first.body.refresh_token);
  const again = { grant_type: "refresh_token", refresh_token: firstRefresh };
  const second = await authority.form("/oauth/token", { ...asClient, ...again });
  const secondRefresh = String(second.body.refresh_token);
  const revoked = await authority.form("/oauth/revoke", { ...asClient, token: String(second.body.access_token) });
  assert.deepEqual([first.status, second.status, revoked.status], [200, 200, 200]);
  return {
    at: clock.now(),
    assertionExpiresAt: await assertOnce(authority),
    tokenExpiresAt: Math.floor(clock.now() / 1000 + 900) * 1000,
    secrets: [
      adminPassword,
      code,
      secret,
      firstRefresh,
      firstRefresh.split(".")[2] ?? "",
      secondRefresh.split(".")[2] ?? "",
      String(first.body.access_token),
      String(second.body.access_token),
    ],
  };
}

/** Sets a policy that trusts an issuer, and uses an assertion of it, which lives as long as that of the client. */
async function presentOnce(authority: TestAuthority): Promise<void> {
  const { services, clock } = authority;
  const issuer = "https://idp.example.com";
  const { sign, jwks } = await foreignIssuer({ issuer, audience: TEST_ISSUER, now: () => clock.now() });
  const rules = [{ issuer, gives: { audiences: ["https://api.example.com"] } }];
  const exchange = { issuers: [{ issuer, profile: "assertion", jwks }], rules };
  await services.policy.set({ format: "countersign-policy/1", version: 1, exchange }, { actor: "admin_id" });
  await authority.client({ clientId: "job", authMethod: "none", grants: [jwtBearer.type] });
  const iat = Math.floor(clock.now() / 1000);
  const assertion = await sign({ iat, exp: iat + 60 });
  const { status } = await authority.form("/oauth/token", { client_id: "job", grant_type: jwtBearer.type, assertion });
  assert.equal(status, 200);
}

/** Uses a client assertion; resolves to when it expires. */
async function assertOnce(authority: TestAuthority): Promise<number> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...publicKey.export({ format: "jwk" }), kty: "EC", alg: "ES256", use: "sig" };
  const { client } = await authority.client({ authMethod: "private_key_jwt", jwks: { keys: [jwk] } });
  const iat = Math.floor(authority.clock.now() / 1000);
  const { clientId } = client;
  const assertion = await new SignJWT({
    iss: clientId,
    sub: clientId,
    aud: TEST_ISSUER,
    iat,
    exp: iat + 60,
    jti: "one",
  })
    .setProtectedHeader({ alg: "ES256" })
    .sign(privateKey);
  const { status } = await authority.form("/oauth/token", {
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
  });
  assert.equal(status, 200);
  return (iat + 60) * 1000;
}
