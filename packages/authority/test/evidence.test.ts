import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import {
  AttestationError,
  appraiseAttestedJwk,
  compilePolicy,
  parseCertificate,
  parseQuote,
  toPem,
  trustRoot,
} from "@countersign/attestation";
import { createSimulatedPlatform } from "@countersign/attestation/simulated";
import { type EvidenceSource, simulatedSource } from "@countersign/attestation/sources";
import { FakeClock } from "@countersign/protocol/testing";
import { TEST_ISSUER, type TestAuthorityOptions, testAuthority } from "../src/testing.ts";

type Jwk = Record<string, unknown> & { kid: string; x5c: string[]; n: string; e: string };

const DAY_MS = 86_400_000;
const policy = compilePolicy({ measurements: [{ kind: "sgx", mrEnclave: "e1".repeat(32) }] });

async function world(options: TestAuthorityOptions = {}, breaks: { broken: boolean } = { broken: false }) {
  const clock = new FakeClock();
  const platform = await createSimulatedPlatform({ at: clock.now() });
  const simulated = simulatedSource({ platform });
  let collected = 0;
  const evidence: EvidenceSource = {
    name: "simulated",
    async collect(reportData) {
      collected++;
      if (breaks.broken) throw new AttestationError("source", "Cannot get a quote: the quoting service is down");
      return simulated.collect(reportData);
    },
  };
  const authority = await testAuthority({ clock, evidence, ...options });
  const get = async (path: string) => {
    const response = await authority.fetch(new Request(`${TEST_ISSUER}${path}`));
    const text = await response.text();
    return { status: response.status, headers: response.headers, bytes: text.length, body: JSON.parse(text) };
  };
  const judge = (jwk: Jwk, more: { nonce?: string } = {}) =>
    appraiseAttestedJwk(jwk, { issuer: TEST_ISSUER, at: clock.now(), policy, roots: [platform.root], ...more });
  return { authority, clock, platform, get, judge, collected: () => collected };
}

const codesOf = ({ reasons }: { reasons: readonly { code: string }[] }) => reasons.map(({ code }) => code);
const keysOf = ({ body }: { body: { keys: Jwk[] } }) => body.keys;

describe("GET /.well-known/jwks.json with a source of evidence", () => {
  it("publishes every key with evidence that a verifier accepts", async () => {
    const { authority, get, judge } = await world({ config: { keys: { algorithms: ["EdDSA", "RS256", "PS256"] } } });
    const keys = keysOf(await get("/.well-known/jwks.json"));
    assert.deepEqual(
      keys.map(({ alg }) => alg),
      ["ES256", "EdDSA", "RS256", "PS256"],
    );
    for (const key of keys) assert.deepEqual(codesOf(await judge(key)), [], String(key.alg));
    // A key of PSS signs no certificate with the other padding.
    assert.deepEqual(
      keys.map(({ x5c }) => x5c !== undefined),
      [true, true, true, false],
    );
    await authority.close();
  });

  it("makes evidence once for many, and keeps the tag of the set while nothing changes", async () => {
    const { authority, get, collected } = await world();
    const answers = await Promise.all(Array.from({ length: 10 }, () => get("/.well-known/jwks.json")));
    assert.equal(collected(), 1);
    assert.equal(new Set(answers.map(({ headers }) => headers.get("etag"))).size, 1);
    await authority.close();
  });

  it("renews evidence at half of its life, in the background", async () => {
    const { authority, clock, get, judge, collected } = await world();
    const [before] = keysOf(await get("/.well-known/jwks.json"));
    await clock.advance(DAY_MS / 2 + 1000);
    await get("/.well-known/jwks.json");
    const renewed = () => authority.events.filter(({ name }) => name === "evidence.renewed").length;
    while (renewed() < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(collected(), 2);
    const [after] = keysOf(await get("/.well-known/jwks.json"));
    assert.notDeepEqual(after?.att, before?.att);
    assert.deepEqual(codesOf(await judge(after as Jwk)), []);
    await authority.close();
  });

  it("attests the successor as soon as it is published", async () => {
    const { authority, get, judge } = await world();
    await get("/.well-known/jwks.json");
    await authority.services.keys.rotate("ES256", "test");
    const keys = keysOf(await get("/.well-known/jwks.json"));
    assert.equal(keys.length, 2);
    for (const key of keys) assert.deepEqual(codesOf(await judge(key)), []);
    await authority.close();
  });

  it("publishes plain keys while the environment fails, says so, and asks it rarely", async () => {
    const breaks = { broken: true };
    const { authority, clock, get, judge, collected } = await world({}, breaks);
    const [plain] = keysOf(await get("/.well-known/jwks.json"));
    await get("/.well-known/jwks.json");
    assert.equal(plain?.att, undefined);
    assert.equal(collected(), 1);
    const failed = authority.events.find(({ name }) => name === "evidence.failed");
    assert.match(JSON.stringify(failed?.fields), /quoting service is down/);
    breaks.broken = false;
    await clock.advance(31_000);
    const [attested] = keysOf(await get("/.well-known/jwks.json"));
    assert.deepEqual(codesOf(await judge(attested as Jwk)), []);
    await authority.close();
  });

  it("shows nothing that has expired while the environment fails", async () => {
    const breaks = { broken: false };
    const { authority, clock, get } = await world({}, breaks);
    await get("/.well-known/jwks.json");
    breaks.broken = true;
    await clock.advance(DAY_MS + 1000);
    await authority.services.keys.reload();
    const [key] = keysOf(await get("/.well-known/jwks.json"));
    assert.equal(key?.att, undefined);
    await authority.close();
  });

  it("is as before without a source", async () => {
    const authority = await testAuthority();
    const { keys } = await authority.services.evidence.published();
    assert.ok(keys.every(({ att, x5c }) => att === undefined && x5c === undefined));
    const response = await authority.fetch(
      new Request(`${TEST_ISSUER}/.well-known/attestation?nonce=${"A".repeat(22)}`),
    );
    assert.equal(response.status, 404);
    await authority.close();
  });

  it("opens the source that the configuration names", async () => {
    const authority = await testAuthority({ config: { evidence: { source: "simulated" } } });
    const { keys } = await authority.services.evidence.published();
    const der = new Uint8Array(Buffer.from(keys[0]?.x5c?.[0] ?? "", "base64"));
    const quote = parseCertificate(der).extensions[0]?.value ?? new Uint8Array();
    const root = await trustRoot(parseQuote(quote).signature.certificates[2] ?? new Uint8Array());
    assert.match(root.name, /Simulated.*NOT INTEL/);
    await authority.close();
  });
});

describe("GET /.well-known/attested-jwks.json", () => {
  it("is what the client of confidential-token-broker reads: RSA, the quote first, small", async () => {
    const { authority, get } = await world({ config: { keys: { algorithms: ["RS256"] } } });
    const answer = await get("/.well-known/attested-jwks.json");
    assert.ok(answer.bytes <= 10_240, `${answer.bytes} bytes`);
    const [key, ...others] = keysOf(answer);
    assert.equal(others.length, 0);
    for (const name of ["kty", "n", "e", "kid", "alg", "use"]) assert.equal(typeof key?.[name], "string", name);
    const { n = "", e = "", x5c: [x5c = ""] = [] } = key ?? {};
    const certificate = parseCertificate(new Uint8Array(Buffer.from(x5c, "base64")));
    // It takes the first extension, whatever its identifier, and compares 32 bytes of the report data.
    const { reportData } = parseQuote(certificate.extensions[0]?.value ?? new Uint8Array()).report;
    const named = createHash("sha256").update(`{n: ${n}, e: ${e}}`).digest();
    assert.deepEqual(Buffer.from(reportData.subarray(0, 32)), named);
    const theirs = new X509Certificate(toPem([certificate.der]));
    assert.equal(theirs.verify(theirs.publicKey), true);
    await authority.close();
  });

  it("says what is missing where there is no RSA key", async () => {
    const { authority, get } = await world();
    const { status, body } = await get("/.well-known/attested-jwks.json");
    assert.equal(status, 404);
    assert.match(JSON.stringify(body), /RS256/);
    await authority.close();
  });
});

describe("GET /.well-known/attestation", () => {
  const nonce = Buffer.alloc(32, 7).toString("base64url");
  const path = `/.well-known/attestation?nonce=${nonce}`;

  it("gives evidence for the nonce, that names every key", async () => {
    const { authority, get, judge } = await world();
    await authority.services.keys.rotate("ES256", "test");
    const { status, headers, body } = await get(path);
    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "application/eat-ucs+json");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(body.eat_nonce, nonce);
    const [key] = body.keys;
    const appraisal = await judge(key, { nonce });
    assert.deepEqual(codesOf(appraisal), []);
    const { keys } = await authority.services.evidence.published();
    assert.deepEqual(
      appraisal.claims?.jwks,
      keys.map(({ kid }) => kid),
    );
    assert.deepEqual(codesOf(await judge(key, { nonce: "another" })), ["nonce"]);
    await authority.close();
  });

  for (const [what, query] of Object.entries({
    "no nonce": "",
    "a short nonce": "?nonce=AAAA",
    "a long nonce": `?nonce=${Buffer.alloc(65).toString("base64url")}`,
    "a nonce that is not base64url": `?nonce=${"=".repeat(32)}`,
    "two nonces": `?nonce=${nonce}&nonce=${nonce}`,
  })) {
    it(`refuses ${what}`, async () => {
      const { authority, get, collected } = await world();
      const { status, body } = await get(`/.well-known/attestation${query}`);
      assert.deepEqual([status, body.error, collected()], [400, "invalid_request", 0]);
      await authority.close();
    });
  }

  it("is limited: 429 with the time to wait, and no quote made", async () => {
    const { authority, clock, get, collected } = await world({ config: { evidence: { fresh_per_minute: 2 } } });
    const statuses = [await get(path), await get(path), await get(path)].map(({ status }) => status);
    assert.deepEqual(statuses, [200, 200, 429]);
    assert.equal((await get(path)).headers.get("retry-after"), "30");
    assert.equal(collected(), 2);
    await clock.advance(30_000);
    assert.equal((await get(path)).status, 200);
    await authority.close();
  });

  it("answers 503 while the environment fails", async () => {
    const { authority, get } = await world({}, { broken: true });
    const { status, headers } = await get(path);
    assert.deepEqual([status, headers.get("retry-after")], [503, "30"]);
    await authority.close();
  });
});
