import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import {
  compilePolicy,
  createAuthority,
  createKeyEncryptionKey,
  openSqliteStore,
  parseConfig,
  readPolicy,
} from "@countersign/authority";
import { systemClock, systemRandom } from "@countersign/protocol";
import { type JWK, SignJWT } from "jose";

/**
 * Token exchange beside client_credentials: one authority on SQLite in this process, 64 requests at once, in turns. Prints the
 * rate of each and what part of client_credentials the exchanges reach.
 *
 *   npm run bench:exchange -- --json
 */
const SECONDS = 3;
const ROUNDS = 5;
const CONCURRENCY = 64;
const ISSUER = "http://localhost:8080";
const IDP = "https://idp.example.com";

const directory = mkdtempSync(join(tmpdir(), "bench-exchange-"));
const pairs = {
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
} as const;
const jwks = {
  keys: Object.entries(pairs).map(([alg, { publicKey }]) => ({
    ...(publicKey.export({ format: "jwk" }) as JWK),
    alg,
    kid: alg,
    use: "sig",
  })),
};
const rule = {
  issuer: IDP,
  clients: ["backend"],
  claims: { repository: "acme/shop", ref: { pattern: "refs/(heads|tags)/.*" } },
  gives: { audiences: ["https://api.example.com"], scopes: ["read"] },
};
const policy = {
  format: "countersign-policy/1",
  version: 1,
  exchange: { issuers: [{ issuer: IDP, profile: "jwt", jwks }], rules: [rule] },
};

const clock = systemClock;
const authority = await createAuthority({
  config: parseConfig({ issuer: ISSUER, keys: { algorithms: ["ES256"] } }),
  store: await openSqliteStore({ path: join(directory, "store.db"), clock }),
  keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
  policy: compilePolicy(readPolicy(policy)),
});

const { secret = "" } = await authority.services.clients.create(
  {
    clientId: "backend",
    clientName: "backend",
    scopes: ["read"],
    grants: ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
    loopback: false,
    authMethod: "client_secret_post",
    token: {},
    disabled: false,
  },
  "bench",
);

async function ask(fields: Record<string, string>): Promise<string> {
  const body = new URLSearchParams({
    client_id: "backend",
    client_secret: secret,
    scope: "read",
    ...fields,
  }).toString();
  const response = await authority.fetch(
    new Request(`${ISSUER}/oauth/token`, {
      method: "POST",
      body,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    }),
  );
  const text = await response.text();
  if (response.status !== 200) throw new Error(`Cannot get a token: ${text}`);
  return JSON.parse(text).access_token;
}

async function foreign(alg: keyof typeof pairs): Promise<string> {
  return new SignJWT({ repository: "acme/shop", ref: "refs/heads/main" })
    .setProtectedHeader({ alg, kid: alg, typ: "JWT" })
    .setIssuer(IDP)
    .setSubject("job")
    .setAudience(ISSUER)
    .setIssuedAt()
    .setExpirationTime("1h")
    .setJti(randomUUID())
    .sign(pairs[alg].privateKey);
}

const exchange = (token: string, type: string) => ({
  grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
  subject_token: token,
  subject_token_type: `urn:ietf:params:oauth:token-type:${type}`,
});

const kinds: Readonly<Record<string, Record<string, string>>> = {
  client_credentials: { grant_type: "client_credentials" },
  "exchange of our own token": exchange(await ask({ grant_type: "client_credentials" }), "access_token"),
  "exchange of an ES256 token by rules": exchange(await foreign("ES256"), "jwt"),
  "exchange of an RS256 token by rules": exchange(await foreign("RS256"), "jwt"),
};

async function perSecond(fields: Record<string, string>): Promise<number> {
  const startedAt = process.hrtime.bigint();
  const elapsed = () => Number(process.hrtime.bigint() - startedAt) / 1e9;
  let count = 0;
  const worker = async () => {
    while (elapsed() < SECONDS) {
      await ask(fields);
      count++;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return Math.round(count / elapsed());
}

const rates: Record<string, number[]> = {};
for (const fields of Object.values(kinds)) await perSecond(fields);
for (let round = 0; round < ROUNDS; round++)
  for (const [name, fields] of Object.entries(kinds)) rates[name] = [...(rates[name] ?? []), await perSecond(fields)];

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const base = median(rates.client_credentials ?? []);
const rows = Object.fromEntries(
  Object.entries(rates).map(([name, all]) => [
    name,
    { "per second": median(all), "of client_credentials": Number((median(all) / base).toFixed(2)) },
  ]),
);
const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version };
if (process.argv.includes("--json")) console.log(JSON.stringify({ machine, rates, rows }, undefined, 2));
else console.table(rows);
await authority.close();
rmSync(directory, { recursive: true });
