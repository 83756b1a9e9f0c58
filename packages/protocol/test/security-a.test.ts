import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";
import * as jose from "jose";
import { importKeys, type JwtRules, TokenRefused, verifyJwt } from "../src/index.ts";
import { accessTokenRules, clock } from "./fixtures.ts";
import type { KeyCase, Row, TokenCase } from "./security/case.ts";
import { claimRows } from "./security/claims.ts";
import { headerRows, keyUrlRow } from "./security/headers.ts";
import { signatureRows } from "./security/signatures.ts";

const rulesOf = (given: TokenCase): JwtRules => ({ ...accessTokenRules, ...given.rules });

async function ours(given: TokenCase): Promise<string> {
  const keys = importKeys({ keys: given.jwks });
  try {
    const verified = await withinBounds(() => verifyJwt(given.token, keys, rulesOf(given)));
    assert.equal(verified.claims.admin, undefined);
    assert.equal(verified.claims.polluted, undefined);
    return "accepted";
  } catch (error) {
    assert.ok(error instanceof TokenRefused, inspect(error));
    assertSilent(error, given.token);
    return error.reason;
  }
}

/** Runs `work`, and fails when it holds the event loop for 50 ms or the heap grows by 50 MB. */
async function withinBounds<T>(work: () => Promise<T>): Promise<T> {
  const heapBefore = process.memoryUsage().heapUsed;
  const startedAt = threadTimeMs();
  try {
    return await work();
  } finally {
    assert.ok(threadTimeMs() - startedAt < 50, "The event loop was held for 50 ms");
    assert.ok(process.memoryUsage().heapUsed - heapBefore < 50_000_000, "The heap grew by 50 MB");
  }
}

/** What a resource server with `jose` and its documented options does; the control column. */
async function joseAlone(given: TokenCase): Promise<"accepts" | "refuses"> {
  const rules = rulesOf(given);
  const types = {
    access_token: { typ: "at+jwt" },
    jwt_access_token: { typ: "JWT" },
    plain: {},
    client_assertion: {},
    id_token: {},
    workload_token: {},
    jwt_svid: {},
    jwt_authorization: {},
    id_jag: { typ: "oauth-id-jag+jwt" },
    revocation_feed: { typ: "revocation-feed+jwt" },
  };
  try {
    await jose.jwtVerify(given.token, jose.createLocalJWKSet({ keys: given.jwks as jose.JWK[] }), {
      issuer: rules.issuer,
      ...(rules.audience === undefined ? {} : { audience: [rules.audience].flat() }),
      ...(rules.subject === undefined ? {} : { subject: rules.subject }),
      ...types[rules.profile],
      clockTolerance: (rules.clockSkewMs ?? 30_000) / 1000,
      currentDate: new Date(clock.now()),
      ...(rules.maxAgeMs === undefined ? {} : { maxTokenAge: rules.maxAgeMs / 1000 }),
    });
    return "accepts";
  } catch {
    return "refuses";
  }
}

/** Neither the error nor what it becomes on the wire or in the log holds a part of the token. */
function assertSilent(error: TokenRefused, token: string): void {
  const said = inspect(error, { depth: 10 }) + inspect(error.as("invalid_token"), { depth: 10 });
  for (const part of token.slice(0, 20_000).split(".")) {
    if (part.length >= 16) assert.ok(!said.includes(part.slice(0, 16)), "The error quotes the token");
  }
}

async function checkToken(given: TokenCase): Promise<void> {
  assert.equal(await ours(given), given.expect);
  const agreeing = given.expect === "accepted" ? "accepts" : "refuses";
  assert.equal(await joseAlone(given), given.jose ?? agreeing, "jose alone");
}

function checkKey(given: KeyCase): void {
  const { keys, refused } = importKeys({ keys: [given.jwk] });
  assert.deepEqual(keys, []);
  assert.deepEqual(refused, [{ index: 0, reason: given.refused }]);
}

/** Milliseconds of processor time of this thread: what others do on the machine does not count. */
function threadTimeMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function assertNothingPolluted(): void {
  assert.equal(Reflect.get({}, "polluted"), undefined);
  assert.equal(Reflect.get({}, "admin"), undefined);
  assert.deepEqual(Object.keys(Object.prototype), []);
}

async function checkRow(row: Row): Promise<void> {
  for (const given of row.keys ?? []) checkKey(given);
  for (const given of row.tokens ?? []) await checkToken(given);
  assertNothingPolluted();
}

describe("attacks on JWT verification", () => {
  let hits = 0;
  let canary = "";
  const server = createServer((_, response) => {
    hits += 1;
    response.writeHead(302, { location: "/elsewhere" }).end();
  });
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    canary = `http://127.0.0.1:${address.port}`;
  });
  after(() => server.close());

  for (const row of [...signatureRows, ...headerRows, ...claimRows]) {
    describe(`${row.id} ${row.title}`, () => {
      for (const given of row.keys ?? [])
        it(`key: ${given.name}`, () => checkRow({ ...row, keys: [given], tokens: [] }));
      for (const given of row.tokens ?? []) it(given.name, () => checkRow({ ...row, keys: [], tokens: [given] }));
    });
  }

  it("A23 jku and x5u are not followed", async () => {
    await checkRow(keyUrlRow(canary));
    assert.equal(hits, 0);
  });
});
