/**
 * A resource server with two permission levels. It verifies access tokens offline, by the authority's JWK set, and knows
 * nothing else of the authority, which `npm start` runs.
 *
 *   ISSUER=http://localhost:8080 AUDIENCE=https://notes.example PORT=9000 npm run example 01-resource-server
 */
import { createServer, type IncomingMessage } from "node:http";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const { ISSUER = "http://localhost:8080", AUDIENCE = "https://notes.example", PORT = "9000" } = process.env;

const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", ISSUER));
const notes = ["The first note"];

/** Which permission level a method needs. */
const needed: Readonly<Record<string, string>> = { GET: "notes:read", POST: "notes:write" };

/** The scopes of a verified token (RFC 9068 section 4): signature, issuer, audience, type and times. */
async function scopesOf(request: IncomingMessage): Promise<readonly string[]> {
  const token = /^Bearer ([\w.-]+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: AUDIENCE, typ: "at+jwt" });
  return typeof payload.scope === "string" ? payload.scope.split(" ") : [];
}

/** A claim that is not the one expected, with both values: what whoever sets this up needs, and what callers need not. */
function reasonOf(error: unknown): string {
  if (!(error instanceof errors.JWTClaimValidationFailed)) return error instanceof Error ? error.message : "no reason";
  const expected: Readonly<Record<string, string>> = { iss: ISSUER, aud: AUDIENCE };
  const { claim, payload } = error;
  return `${error.message}: the token has ${JSON.stringify(payload[claim])}, expected is ${expected[claim] ?? "another"}`;
}

/** Whose fault it is that nothing could be verified: the token's, or of a network without the authority's keys. */
function refusal(error: unknown): readonly [number, unknown] {
  const isBadToken = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout);
  console.error(`${isBadToken ? "refused a token" : `cannot get the keys of ${ISSUER}`}: ${reasonOf(error)}`);
  return isBadToken ? [401, { error: "invalid_token" }] : [503, { error: "temporarily_unavailable" }];
}

async function answer(request: IncomingMessage): Promise<readonly [number, unknown]> {
  const scope = needed[request.method ?? ""];
  if (scope === undefined) return [405, { error: "invalid_request" }];
  try {
    const scopes = await scopesOf(request);
    if (!scopes.includes(scope)) return [403, { error: "insufficient_scope" }];
  } catch (error) {
    return refusal(error);
  }
  if (request.method === "POST") notes.push(`Note ${notes.length + 1}`);
  return [200, { notes }];
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
});

server.listen(Number(PORT), "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : PORT;
  console.log(`notes: http://127.0.0.1:${port}`);
});
