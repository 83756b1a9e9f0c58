/**
 * Countersign as it is served: SQLite with synchronous=FULL, hashed secrets, a durable audit record for each grant.
 * Prints its URL and the forms that the load sends, as one line of JSON.
 */
import { join } from "node:path";
import { createAuthority, createKeyEncryptionKey, openSqliteStore, parseConfig } from "@countersign/authority";
import { serveAuthority } from "@countersign/authority/node";
import { systemClock, systemRandom } from "@countersign/protocol";

const [directory = "."] = process.argv.slice(2);
const logins = 64;

const store = await openSqliteStore({ path: join(directory, "countersign.db"), clock: systemClock });
const authority = await createAuthority({
  config: parseConfig({ issuer: "http://localhost", limits: { address_attempts_per_minute: 1000 } }),
  store,
  keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
});
const common = { loopback: false, disabled: false, token: {} };
const { client, secret = "" } = await authority.services.clients.create(
  {
    ...common,
    clientName: "bench",
    scopes: ["read"],
    grants: ["client_credentials"],
    authMethod: "client_secret_post",
  },
  "bench",
);
const app = await authority.services.clients.create(
  {
    ...common,
    clientName: "app",
    scopes: ["read", "offline_access"],
    grants: ["password", "refresh_token"],
    authMethod: "none",
  },
  "bench",
);
const password = "correct horse battery";
await authority.services.users.register({ username: "alice", password, fullName: "Alice", scopes: ["read"] }, "bench");
const served = await serveAuthority(authority, { port: 0, host: "127.0.0.1" });

async function post(fields: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const response = await fetch(`${served.url}/oauth/token`, { method: "POST", body: new URLSearchParams(fields) });
  return (await response.json()) as Readonly<Record<string, string>>;
}

const refreshTokens: string[] = [];
for (let login = 0; login < logins; login++) {
  const answer = await post({
    grant_type: "password",
    client_id: app.client.clientId,
    username: "alice",
    password,
    scope: "read offline_access",
  });
  refreshTokens.push(answer.refresh_token ?? "");
}

console.log(
  JSON.stringify({
    url: `${served.url}/oauth/token`,
    grant: { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret, scope: "read" },
    app: app.client.clientId,
    refreshTokens,
  }),
);

process.on("SIGTERM", async () => {
  await served.close();
  await authority.close();
});
process.on("message", (message) => {
  if (message === "memory") process.send?.(process.memoryUsage.rss());
});
