import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tokenTypes } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import type { Network } from "../../src/exchange/network.ts";
import { tokenExchange } from "../../src/grants/token-exchange.ts";
import { TEST_ISSUER, testAuthority } from "../../src/testing.ts";
import { type ForeignIssuer, foreignIssuer } from "./foreign.ts";

const idp = "https://idp.example.com";
const other = "https://other.example.com";
const api = "https://api.example.com";
const gives = { audiences: [api], scopes: ["read"] };

type Answer = () => Response | Promise<Response>;

const json = (value: unknown, init: ResponseInit = {}) =>
  new Response(JSON.stringify(value), { headers: { "content-type": "application/json" }, ...init });

/** An authority that trusts two issuers whose documents stand in a table of answers, and how often each was fetched. */
async function withNetwork(answers: Record<string, Answer>, entry: object = {}, config: object = {}) {
  const clock = new FakeClock();
  const now = () => clock.now();
  const first = await foreignIssuer({ issuer: idp, audience: TEST_ISSUER, now });
  const second = await foreignIssuer({ issuer: other, audience: TEST_ISSUER, now });
  const fetched: string[] = [];
  const reached: unknown[] = [];
  const network: Network = (reach) => {
    reached.push(reach);
    return async (url) => {
      fetched.push(url);
      return (answers[url] ?? (() => new Response(null, { status: 404 })))();
    };
  };
  const issuers = [
    { issuer: idp, profile: "jwt", ...entry },
    { issuer: other, profile: "jwt", jwks: second.jwks },
  ];
  const rules = [idp, other].map((issuer) => ({ issuer, gives }));
  const policy = { format: "countersign-policy/1", version: 1, exchange: { issuers, rules } };
  const authority = await testAuthority({ clock, policy, network, config });
  await authority.client({ clientId: "ci", authMethod: "none", grants: [tokenExchange.type], scopes: ["read"] });
  const present = async (token: Promise<string> | string) => {
    const { status, body } = await authority.form("/oauth/token", {
      client_id: "ci",
      grant_type: tokenExchange.type,
      subject_token: await token,
      subject_token_type: tokenTypes.jwt,
    });
    return status === 200 ? "token" : body.error;
  };
  const details = () =>
    authority.events.flatMap((event) => ("detail" in event.fields ? [String(event.fields.detail)] : []));
  return { authority, clock, first, second, fetched, reached, present, answers, details };
}

const metadataUrl = `${idp}/.well-known/openid-configuration`;
const keysUrl = "https://keys.example.com/jwks";

/** The same with documents that are right. */
async function discovering(entry: object = {}, config: object = {}) {
  const answers: Record<string, Answer> = {};
  const scene = await withNetwork(answers, entry, config);
  answers[metadataUrl] = () => json({ issuer: idp, jwks_uri: keysUrl });
  answers[keysUrl] = () => json(scene.first.jwks);
  return scene;
}

describe("the keys of trusted issuers", () => {
  it("are discovered once, for everybody who asks meanwhile", async () => {
    const { authority, first, fetched, present } = await discovering();
    const answers = await Promise.all(Array.from({ length: 20 }, () => present(first.sign())));
    assert.deepEqual([...new Set(answers)], ["token"]);
    assert.deepEqual(fetched, [metadataUrl, keysUrl]);
    await authority.close();
  });

  it("are an issuer's own: none verifies a token of another, whatever kid or iss it says", async () => {
    const { authority, first, second, present } = await discovering();
    assert.equal(await present(first.sign()), "token");
    assert.equal(await present(second.sign()), "token");
    assert.equal(await present(second.sign({ iss: idp })), "invalid_request");
    assert.equal(await present(first.sign({ iss: other })), "invalid_request");
    assert.equal(await present(first.sign({ iss: `${idp}/` })), "invalid_request");
    await authority.close();
  });

  it("are fetched again for a kid that is new, and not twice within the cool-down, however many kids there are", async () => {
    const { authority, clock, first, fetched, present, answers } = await discovering();
    assert.equal(await present(first.sign()), "token");
    for (let kid = 0; kid < 50; kid++)
      assert.equal(await present(first.sign({}, { kid: `k${kid}-unknown` })), "invalid_request");
    assert.equal(fetched.length, 2);
    await clock.advance(31_000);
    const next = await foreignIssuer({ issuer: idp, audience: TEST_ISSUER, now: () => clock.now(), kid: "k2" });
    answers[keysUrl] = () => json(next.jwks);
    assert.equal(await present(next.sign()), "token");
    assert.equal(await present(first.sign()), "invalid_request", "a key that was withdrawn is gone");
    assert.equal(fetched.length, 3);
    await authority.close();
  });

  it("go on counting while they cannot be fetched, for a day", async () => {
    const { authority, clock, first, present, answers } = await discovering();
    assert.equal(await present(first.sign()), "token");
    answers[keysUrl] = () => new Response(null, { status: 500 });
    answers[metadataUrl] = () => Promise.reject(new Error("unreachable"));
    await clock.advance(23 * 3_600_000);
    assert.equal(await present(first.sign()), "token");
    await clock.advance(2 * 3_600_000);
    assert.equal(await present(first.sign()), "temporarily_unavailable");
    await authority.close();
  });

  const wrong: Readonly<Record<string, readonly [metadata: Answer, keys: Answer]>> = {
    "metadata of another issuer": [() => json({ issuer: other, jwks_uri: keysUrl }), () => json({ keys: [] })],
    "metadata without jwks_uri": [() => json({ issuer: idp }), () => json({ keys: [] })],
    "keys over plain HTTP": [
      () => json({ issuer: idp, jwks_uri: "http://keys.example.com/jwks" }),
      () => json({ keys: [] }),
    ],
    "metadata that are a page": [
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      () => json({ keys: [] }),
    ],
    "metadata of 5 MB": [
      () => json({ issuer: idp, jwks_uri: keysUrl, more: "x".repeat(5_000_000) }),
      () => json({ keys: [] }),
    ],
    "metadata that redirect": [
      () => new Response(null, { status: 302, headers: { location: metadataUrl } }),
      () => json({ keys: [] }),
    ],
    "keys of 5 MB": [
      () => json({ issuer: idp, jwks_uri: keysUrl }),
      () => json({ keys: [], more: "x".repeat(5_000_000) }),
    ],
    "no keys": [() => json({ issuer: idp, jwks_uri: keysUrl }), () => json({ keys: [] })],
  };
  for (const [name, [metadata, keys]] of Object.entries(wrong)) {
    it(`are nobody's from ${name}, and the log says which issuer has none`, async () => {
      const { authority, first, present, events } = await (async () => {
        const scene = await withNetwork({ [metadataUrl]: metadata, [keysUrl]: keys });
        return { ...scene, events: scene.authority.events };
      })();
      assert.equal(await present(first.sign()), "temporarily_unavailable");
      const told = events.find((event) => event.name === "issuer.unavailable");
      assert.ok(told?.name === "issuer.unavailable");
      assert.equal(told.fields.issuer, idp);
      await authority.close();
    });
  }

  it("cause no other request for metadata that cannot be had, for half a minute", async () => {
    const { authority, clock, first, fetched, present, answers } = await discovering();
    const good = answers[metadataUrl] ?? (() => new Response());
    answers[metadataUrl] = () => new Response(null, { status: 500 });
    for (let n = 0; n < 10; n++) assert.equal(await present(first.sign()), "temporarily_unavailable");
    assert.equal(fetched.length, 1);
    answers[metadataUrl] = good;
    await clock.advance(30_000);
    assert.equal(await present(first.sign()), "token");
    await authority.close();
  });

  it("are not waited for longer than five seconds", async () => {
    const { authority, clock, first, present, answers } = await discovering();
    answers[metadataUrl] = async () => {
      await clock.advance(5000);
      return new Promise<Response>(() => {});
    };
    assert.equal(await present(first.sign()), "temporarily_unavailable");
    await authority.close();
  });

  it("may come from inside only for hosts that the configuration names", async () => {
    const outside = await discovering();
    await outside.present(outside.first.sign());
    assert.deepEqual(outside.reached, [{ allowPrivate: false }, { allowPrivate: false }]);
    await outside.authority.close();
    const inside = await discovering({ ca: "PEM" }, { exchange: { private_hosts: ["keys.example.com"] } });
    await inside.present(inside.first.sign());
    assert.deepEqual(inside.reached, [
      { allowPrivate: false, ca: "PEM" },
      { allowPrivate: true, ca: "PEM" },
    ]);
    await inside.authority.close();
  });

  it("come from a URL of their own where it is given", async () => {
    const { authority, first, fetched, present, answers } = await withNetwork({}, { jwks_url: keysUrl });
    answers[keysUrl] = () => json(first.jwks);
    assert.equal(await present(first.sign()), "token");
    assert.deepEqual(fetched, [keysUrl]);
    await authority.close();
  });

  it("are let go when the policy trusts their issuer no longer", async () => {
    const { authority, first, present } = await discovering();
    assert.equal(await present(first.sign()), "token");
    const { services } = authority;
    const { policy } = await services.policy.current();
    assert.ok(policy);
    const entry = policy.exchange.issuers.get(idp);
    assert.ok(entry);
    const before = services.issuers.keysOf(entry, policy.exchange);
    services.issuers.keysOf(entry, { ...policy.exchange, issuers: new Map() });
    assert.notEqual(services.issuers.keysOf(entry, policy.exchange), before);
    await assert.rejects(async () => before.find({ alg: "ES256", kid: "k1" }), { reason: "keys_unavailable" });
    await authority.close();
  });
});

describe("a token with a key in its header", () => {
  const headers = { jku: `${other}/jwks`, x5u: `${other}/x5u` } as const;

  for (const [member, value] of Object.entries(headers)) {
    it(`is refused for ${member}, and the log says how to take it`, async () => {
      const { authority, first, present, fetched, details } = await discovering();
      assert.equal(await present(first.sign({}, { [member]: value })), "invalid_request");
      assert.ok(
        details().some((detail) => detail.includes("key_in_header") && detail.includes('key_headers = "ignore"')),
      );
      assert.ok(!fetched.includes(value));
      await authority.close();
    });

    it(`is taken by the configured keys where ${member} is to be ignored, and it is not followed`, async () => {
      const { authority, first, second, present, fetched } = await discovering({ key_headers: "ignore" });
      assert.equal(await present(first.sign({}, { [member]: value })), "token");
      const forged: ForeignIssuer = second;
      assert.equal(await present(forged.sign({ iss: idp }, { [member]: value, kid: "k9" })), "invalid_request");
      assert.ok(!fetched.includes(value));
      await authority.close();
    });
  }
});
