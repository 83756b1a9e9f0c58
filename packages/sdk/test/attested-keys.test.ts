import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KeyAppraisal } from "@countersign/attestation";
import { createSimulatedPlatform } from "@countersign/attestation/simulated";
import { simulatedSource } from "@countersign/attestation/sources";
import { TEST_ISSUER, testAuthority } from "@countersign/authority/testing";
import type { Fetch } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { type AttestationRequirement, createVerifier } from "../src/index.ts";

const JWKS = "https://id.example.com/.well-known/jwks.json";
const AUDIENCE = "https://api.example.com";
const POLICY = { measurements: [{ kind: "sgx", mrEnclave: "e1".repeat(32) }] } as const;
const DAY_MS = 86_400_000;

/** An authority in a simulated environment, a token of it, and the way to its keys. */
async function world(change: (set: { keys: Record<string, unknown>[] }) => object = (set) => set) {
  const clock = new FakeClock();
  const platform = await createSimulatedPlatform({ at: clock.now() });
  const authority = await testAuthority({
    clock,
    evidence: simulatedSource({ platform }),
    config: { tokens: { access_ttl: 3600, audience: [AUDIENCE] }, keys: { algorithms: ["ES256", "EdDSA"] } },
  });
  const { client, secret } = await authority.client({ scopes: ["read"] });
  const issue = async (): Promise<string> => {
    const { body } = await authority.form("/oauth/token", {
      grant_type: "client_credentials",
      client_id: client.clientId,
      client_secret: secret,
    });
    return String(body.access_token);
  };
  const seen = { fetches: 0, down: false };
  const fetch: Fetch = async () => {
    seen.fetches++;
    if (seen.down) throw new TypeError("fetch failed");
    const response = await authority.fetch(new Request(`${TEST_ISSUER}/.well-known/jwks.json`));
    return Response.json(change(await response.json()));
  };
  const appraisals: KeyAppraisal[] = [];
  const verifierOf = (attestation: Partial<AttestationRequirement> = {}, keys: string | { keys: object[] } = JWKS) =>
    createVerifier({
      issuer: TEST_ISSUER,
      audience: AUDIENCE,
      keys,
      clock,
      fetch,
      attestation: { policy: POLICY, roots: [platform.root], observe: (one) => appraisals.push(one), ...attestation },
    });
  return { authority, clock, issue, verifierOf, seen, appraisals };
}

const refused = { name: "CountersignError" };

describe("createVerifier with attestation", () => {
  it("takes a token whose key lives where the policy says", async () => {
    const { authority, issue, verifierOf } = await world();
    const verifier = verifierOf();
    const credential = await verifier.verify(await issue(), { jwt: { scope: "read" } });
    assert.deepEqual(credential.kind === "jwt" && credential.scopes, ["read"]);
    verifier.close();
    await authority.close();
  });

  it("refuses it where the root is not trusted, and tells whoever listens why", async () => {
    const { authority, issue, verifierOf, appraisals } = await world();
    await assert.rejects(verifierOf({ roots: undefined }).verify(await issue(), { jwt: true }), refused);
    assert.ok(appraisals.length > 0);
    assert.ok(appraisals.every(({ accepted, reasons }) => !accepted && reasons[0]?.code === "untrusted_root"));
    await authority.close();
  });

  for (const [what, change] of Object.entries({
    "H15: of plain keys": ({ keys }: { keys: Record<string, unknown>[] }) => ({
      keys: keys.map(({ att: _att, x5c: _x5c, ...plain }) => plain),
    }),
    "H2: whose evidence is that of another key": ({ keys }: { keys: Record<string, unknown>[] }) => ({
      keys: keys.map((key, at) => ({ ...key, att: keys[1 - at]?.att, x5c: keys[1 - at]?.x5c })),
    }),
    "H15: that mixes a plain key in, and signs with it": ({ keys }: { keys: Record<string, unknown>[] }) => ({
      keys: keys.map(({ att, x5c, ...plain }) => (plain.alg === "ES256" ? plain : { ...plain, att, x5c })),
    }),
  })) {
    it(`refuses a set ${what}`, async () => {
      const { authority, issue, verifierOf } = await world(change);
      await assert.rejects(verifierOf().verify(await issue(), { jwt: true }), refused);
      await authority.close();
    });
  }

  it("refuses another issuer's claims, and another measurement", async () => {
    const { authority, issue, verifierOf, appraisals } = await world();
    const token = await issue();
    await assert.rejects(verifierOf({ policyHash: "other" }).verify(token, { jwt: true }), refused);
    const other = { measurements: [{ kind: "sgx", mrEnclave: "00".repeat(32) }] } as const;
    await assert.rejects(verifierOf({ policy: other }).verify(token, { jwt: true }), refused);
    const codes = appraisals.flatMap(({ reasons }) => reasons.map(({ code }) => code));
    assert.deepEqual([...new Set(codes)], ["claims", "measurement"]);
    await authority.close();
  });

  it("fetches once for many, and uses what it has while the issuer is down, as long as the evidence holds", async () => {
    const { authority, clock, issue, verifierOf, seen } = await world();
    const verifier = verifierOf();
    const token = await issue();
    await Promise.all(Array.from({ length: 10 }, () => verifier.verify(token, { jwt: true })));
    assert.equal(seen.fetches, 1);
    seen.down = true;
    await clock.advance(3_600_000);
    const later = await issue();
    await verifier.verify(later, { jwt: true });
    await clock.advance(DAY_MS);
    await assert.rejects(verifier.verify(await issue(), { jwt: true }), refused);
    await authority.close();
  });

  it("asks nobody for a set that is at hand", async () => {
    const { authority, issue, verifierOf, seen } = await world();
    const token = await issue();
    const { keys } = await authority.services.evidence.published();
    await verifierOf({}, { keys: [...keys] }).verify(token, { jwt: true });
    assert.equal(seen.fetches, 0);
    await authority.close();
  });

  it("says no at once to a policy that allows nothing, and to keys that it cannot see", () => {
    const common = { issuer: TEST_ISSUER, audience: AUDIENCE };
    assert.throws(
      () => createVerifier({ ...common, keys: JWKS, attestation: { policy: { measurements: [] } } }),
      TypeError,
    );
    const source = { find: () => [] };
    assert.throws(() => createVerifier({ ...common, keys: source, attestation: { policy: POLICY } }), TypeError);
    assert.throws(() => createVerifier({ ...common, attestation: { policy: POLICY } }), TypeError);
  });
});
