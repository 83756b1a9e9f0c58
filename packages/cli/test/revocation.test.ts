import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { testAuthority } from "@countersign/authority/testing";
import { KeyPair } from "@countersign/biscuit";
import { delegateIdentity, inspectToken, mintIdentity } from "@countersign/protocol/capability";
import { FakeClock } from "@countersign/protocol/testing";
import { createRevocationFeed, createVerifier, type RevocationFeedOptions } from "@countersign/sdk";

const issuer = "http://localhost:8080";
const feedUrl = `${issuer}/.well-known/revocations`;
const subject = "urn:x:alice";

/** An authority, a verifier that is offline but for its feed, and the wire between them. */
async function scene(context: TestContext, options: Partial<RevocationFeedOptions> = {}) {
  const clock = new FakeClock();
  const authority = await testAuthority({ clock });
  context.after(() => authority.close());
  const { secret } = await authority.client({ clientId: "app", scopes: ["read"] });
  const asApp = { client_id: "app", client_secret: secret };
  const issue = async () => {
    const { body } = await authority.form("/oauth/token", { grant_type: "client_credentials", ...asApp });
    return String(body.access_token);
  };
  const sent: string[] = [];
  const wire = { isDown: false, change: (response: Response) => Promise.resolve(response) };
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    const request = new Request(url, { headers: new Headers(init?.headers) });
    sent.push(request.url.slice(feedUrl.length));
    if (wire.isDown) throw new Error("the wire is down");
    return wire.change(await authority.fetch(request));
  };
  const keys = JSON.parse(authority.services.keys.published("jwks").body);
  const feed = createRevocationFeed({ url: feedUrl, issuer, keys, clock, fetch, ...options });
  context.after(() => feed.close());
  const root = await KeyPair.generate();
  const verifier = createVerifier({
    issuer,
    audience: issuer,
    keys,
    rootKey: root.publicKey,
    clock,
    revocations: feed,
  });
  const revoke = (kind: "block" | "jti", id: string) => {
    const event = { name: "revocation.added", fields: { kind, id, actor: "test" } } as const;
    return authority.services.revocations.revoke({ kind, id, expiresAt: clock.now() + 3_600_000 }, { event });
  };
  const jwt = async (token: string) => (await verifier.verify(token, { jwt: true })).kind;
  const identity = async (token: string) => (await verifier.verify(token, { identity: true })).subject;
  return { authority, asApp, issue, clock, wire, sent, feed, root, revoke, jwt, identity };
}

const revoked = { code: "token_revoked", status: 401 };
const unknown = { code: "temporarily_unavailable", status: 503 };

describe("a verifier that follows the feed of revocations", () => {
  it("refuses an access token that its client revoked, once the feed is read again", async (context) => {
    const { authority, asApp, issue, clock, feed, jwt } = await scene(context);
    const [one, two] = [await issue(), await issue()];
    assert.equal(await jwt(one), "jwt");
    await authority.form("/oauth/revoke", { ...asApp, token: one });
    assert.equal(await jwt(one), "jwt", "it is not known here yet");
    await clock.advance(30_000);
    await jwt(two);
    // The reading that this began is waited for.
    await feed.refresh();
    await assert.rejects(jwt(one), revoked);
    assert.equal(await jwt(two), "jwt");
  });

  it("refuses a delegation by its block, and a subtree by its first block", async (context) => {
    const { clock, feed, root, revoke, identity } = await scene(context);
    const options = { rootKey: root.publicKey, clock };
    const base = (await mintIdentity(root, { subject, delegatable: true }, { clock })).toBase64();
    const delegate = async (name: string) =>
      (await delegateIdentity(base, { identity: `${subject}:${name}` }, options)).toBase64();
    const [laptop, agent] = [await delegate("laptop"), await delegate("agent")];
    const ids = async (token: string) => (await inspectToken(token, options)).normalizedRevocationIds;
    await revoke("block", (await ids(laptop))[1] ?? "");
    await feed.refresh();
    await assert.rejects(identity(laptop), revoked);
    assert.equal(await identity(agent), `${subject}:agent`);
    await revoke("block", (await ids(base))[0] ?? "");
    await clock.advance(10_000);
    await feed.refresh();
    for (const token of [base, laptop, agent]) await assert.rejects(identity(token), revoked);
  });

  it("asks for what was revoked since, not for all again", async (context) => {
    const { clock, feed, revoke, sent } = await scene(context);
    await revoke("block", "a".repeat(128));
    await feed.refresh();
    await clock.advance(10_000);
    await revoke("block", "b".repeat(128));
    await feed.refresh();
    assert.equal(sent[0], "");
    assert.match(sent[1] ?? "", /^\?list=[\w-]+&since=1$/);
    assert.deepEqual(
      [feed.has("a".repeat(128)), feed.has("b".repeat(128)), feed.has("c".repeat(128))],
      [true, true, false],
    );
  });

  it("reads a long list part by part", async (context) => {
    const { feed, revoke, sent } = await scene(context);
    for (let at = 0; at < 1005; at++) await revoke("jti", `token-${at}`);
    await feed.refresh();
    assert.equal(sent.length, 2);
    assert.ok([0, 999, 1000, 1004].every((at) => feed.hasToken(`token-${at}`)));
  });
});

describe("a feed that cannot be read", () => {
  it("leaves what is known in use for maxStaleMs, then refuses all tokens with 503", async (context) => {
    const { issue, clock, wire, jwt } = await scene(context);
    const token = await issue();
    assert.equal(await jwt(token), "jwt");
    wire.isDown = true;
    await clock.advance(299_999);
    assert.equal(await jwt(token), "jwt");
    await clock.advance(1);
    await assert.rejects(jwt(token), unknown);
    wire.isDown = false;
    await clock.advance(5000);
    assert.equal(await jwt(token), "jwt");
  });

  it("refuses all tokens from the start, until it was read once", async (context) => {
    const { issue, wire, jwt, feed } = await scene(context);
    const token = await issue();
    wire.isDown = true;
    await assert.rejects(feed.refresh(), unknown);
    await assert.rejects(jwt(token), unknown);
    assert.equal(feed.knownAt, undefined);
  });

  it("refuses what is known to be revoked, and nothing else, where it is to accept", async (context) => {
    const { issue, clock, wire, jwt, revoke, feed } = await scene(context, { whenStale: "accept" });
    await revoke("jti", "gone");
    await feed.refresh();
    wire.isDown = true;
    await clock.advance(600_000);
    const token = await issue();
    assert.equal(await jwt(token), "jwt");
    assert.equal(feed.hasToken("gone"), true);
  });

  it("is as old as its date says, whatever a cache on the way makes of it", async (context) => {
    const { clock, wire, feed, issue, jwt } = await scene(context);
    let first: Response | undefined;
    wire.change = async (response) => {
      first ??= response;
      return first.clone();
    };
    await feed.refresh();
    const token = await issue();
    for (let at = 0; at < 9; at++) {
      await clock.advance(30_000);
      await feed.refresh();
    }
    assert.equal(await jwt(token), "jwt");
    await clock.advance(30_000);
    await assert.rejects(jwt(token), unknown);
  });
});

describe("a feed that goes back", () => {
  it("is not believed where it knows less than before: a replay does not bring tokens back", async (context) => {
    const { clock, wire, feed, revoke } = await scene(context);
    await revoke("jti", "one");
    let former: Response | undefined;
    wire.change = async (response) => {
      former ??= response.clone();
      return response;
    };
    await feed.refresh();
    await clock.advance(10_000);
    await revoke("jti", "two");
    await feed.refresh();
    wire.change = async () => former?.clone() ?? Response.error();
    await assert.rejects(feed.refresh(), unknown);
    assert.deepEqual([feed.hasToken("one"), feed.hasToken("two")], [true, true]);
  });

  it("grows old while the clock is put back", async (context) => {
    const { clock, wire, feed, issue, jwt } = await scene(context);
    await feed.refresh();
    wire.isDown = true;
    await clock.advance(200_000);
    clock.jump(-200_000);
    const token = await issue();
    await clock.advance(99_999);
    assert.equal(await jwt(token), "jwt");
    await clock.advance(1);
    await assert.rejects(jwt(token), unknown);
  });
});

type Change = (response: Response) => Promise<Response>;
const answer = (body: string, type = "application/revocation-feed+jwt", status = 200) =>
  Promise.resolve(new Response(body, { status, headers: { "content-type": type } }));

/** What is no feed of this authority: nothing of it is believed. */
const strange: readonly { readonly id: string; readonly change: (issue: () => Promise<string>) => Change }[] = [
  { id: "an access token in its place", change: (issue) => async () => answer(await issue()) },
  { id: "another media type", change: () => async (response) => answer(await response.text(), "application/json") },
  { id: "an error page", change: () => () => answer("<html>", "text/html", 502) },
  {
    id: "a signature that was changed",
    change: () => async (response) => answer(`${(await response.text()).slice(0, -8)}AAAAAAAA`),
  },
  {
    id: "claims that were changed",
    change: () => async (response) => {
      const [header, , signature] = (await response.text()).split(".");
      const claims = {
        iss: issuer,
        iat: 1_900_000_000,
        exp: 2_000_000_000,
        list: "x",
        since: 0,
        position: 9,
        more: false,
      };
      return answer(
        [header, Buffer.from(JSON.stringify({ ...claims, entries: [] })).toString("base64url"), signature].join("."),
      );
    },
  },
  { id: "more than it takes", change: () => () => answer("a".repeat(2_000_000)) },
  { id: "nothing", change: () => () => answer("") },
];

describe("a feed that is none", () => {
  for (const { id, change } of strange) {
    it(`is not believed: ${id}`, async (context) => {
      const { wire, feed, issue, revoke } = await scene(context);
      await revoke("jti", "gone");
      wire.change = change(issue);
      await assert.rejects(feed.refresh(), unknown);
      wire.change = (response) => Promise.resolve(response);
      await feed.refresh();
      assert.equal(feed.hasToken("gone"), true);
    });
  }

  it("is not another authority's", async (context) => {
    const { feed } = await scene(context, { issuer: "http://localhost:9999" });
    await assert.rejects(feed.refresh(), unknown);
  });

  for (const url of ["http://id.example.com/.well-known/revocations", "file:///feed", "nothing"]) {
    it(`is not read from ${url}`, () => {
      assert.throws(() => createRevocationFeed({ url, issuer, keys: { keys: [] } }), TypeError);
    });
  }
});
