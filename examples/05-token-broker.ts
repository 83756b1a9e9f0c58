/**
 * The README of confidential-token-broker against Countersign: an identity provider, the authority with its `/stsToken`, and the
 * resource server with its `/api`, in one process. Prints the curl lines of that README, with an id token that works.
 * Needs `countersign` on the path, for the certificates.
 *
 *   npm run example 05-token-broker
 */
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  compilePolicy,
  createAuthority,
  createKeyEncryptionKey,
  createMemoryStore,
  type HttpHandler,
  parseConfig,
  readPolicy,
} from "@countersign/authority";
import { nodeNetwork, serveAuthority } from "@countersign/authority/node";
import { KeyCache, systemClock, systemRandom, TokenRefused, verifyJwt } from "@countersign/protocol";
import { exportJWK, SignJWT } from "jose";

const { PORT = "8080", RESOURCE_PORT = "9999" } = process.env;
const CLIENT_ID = "IMIprdP4qfSuKANevWkJyhG5F7weEGT0";
const SERVER_API = ["https://example.com/server1-api", "https://example.com/server2-api"];

const folder = mkdtempSync(join(tmpdir(), "token-broker-"));
execFileSync("countersign", ["tls", "init", folder, "--host", "localhost,127.0.0.1"], { stdio: "ignore" });
const [cert = "", key = "", ca = ""] = ["server.crt", "server.key", "ca.crt"].map((name) =>
  readFileSync(join(folder, name), "utf8"),
);

// The identity provider: one key, published where the rules look for it.
const provider = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = { ...(await exportJWK(provider.publicKey)), kid: "idp-1", alg: "RS256", use: "sig" };
const idpServer = createServer((_, response) => {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ keys: [jwk] }));
});
await new Promise<void>((resolve) => idpServer.listen(0, "127.0.0.1", resolve));
const idp = `http://127.0.0.1:${(idpServer.address() as AddressInfo).port}/`;

// The rule file of the original, as its README shows it.
const rules = {
  configs: [
    {
      idp,
      jwk_endpoint: `${idp}.well-known/jwks.json`,
      client_id: CLIENT_ID,
      server_api: SERVER_API,
      scope: "openid profile read:admin",
      expiration: 3600,
    },
  ],
};

// The authority.
const relay: { respond?: HttpHandler } = {};
const unavailable = { status: 503, headers: {}, body: null };
const served = await serveAuthority(
  { respond: async (...args) => (await relay.respond?.(...args)) ?? unavailable },
  { host: "127.0.0.1", port: Number(PORT), tls: { cert, key } },
);
const authority = await createAuthority({
  config: parseConfig({
    issuer: served.url,
    compat: { faces: ["sts"] },
    keys: { algorithms: ["RS256"] },
    tokens: { algorithm: "RS256" },
    exchange: { private_hosts: ["127.0.0.1"] },
  }),
  store: createMemoryStore({ clock: systemClock }),
  keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
  policy: compilePolicy(readPolicy(rules)),
  network: nodeNetwork,
});
await authority.services.clients.create(
  {
    clientId: "sts",
    clientName: "Token broker",
    scopes: ["openid", "profile", "read:admin"],
    grants: ["urn:ietf:params:oauth:grant-type:token-exchange"],
    loopback: false,
    authMethod: "none",
    token: { profile: "jwt", algorithm: "RS256" },
    disabled: false,
  },
  "example",
);
relay.respond = authority.respond;

// The resource server: it verifies offline, for its own audience, over TLS that it checks.
const keys = new KeyCache(`${served.url}/.well-known/jwks.json`, {
  clock: systemClock,
  fetch: nodeNetwork({ allowPrivate: true, ca }),
});
const resource = createTlsServer({ cert, key }, async (request, response) => {
  const token = /^bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  try {
    await verifyJwt(token, keys, {
      profile: "jwt_access_token",
      issuer: served.url,
      audience: SERVER_API[0],
      clock: systemClock,
    });
    response.end("Access Token parsed successfully\n");
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    response
      .writeHead(401, { "www-authenticate": 'Bearer error="invalid_token"' })
      .end('{"msg": "Access token parsing failure"}\n');
  }
});
await new Promise<void>((resolve) => resource.listen(Number(RESOURCE_PORT), "127.0.0.1", resolve));
const resourceUrl = `https://127.0.0.1:${(resource.address() as AddressInfo).port}`;

const idToken = await new SignJWT({ sid: "7WO37aWuQEMSQzBFTsHPPUMekAPban8rI" })
  .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: "idp-1" })
  .setIssuer(idp)
  .setAudience(CLIENT_ID)
  .setSubject("google-oauth2|107186323690826133746")
  .setIssuedAt()
  .setExpirationTime("10h")
  .sign(provider.privateKey);

console.log(
  `curl -k -X GET "${served.url}/stsToken" -H "Content-Type: application/json" -d '{"id_token": "${idToken}"}'`,
);
console.log(`curl -k -X GET "${served.url}/.well-known/jwks.json"`);
console.log(`curl -k -X GET "${resourceUrl}/api" --header 'authorization: Bearer ACCESS_TOKEN'`);
