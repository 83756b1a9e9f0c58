import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { authorizedFetch, createToken, TokenManager } from "@countersign/token-keeper";
import { scriptedSource } from "./support/scripted-source.ts";
import { type Handler, startTokenServer, type TokenServer } from "./support/token-server.ts";

function setUp(server: TokenServer, ...steps: Parameters<typeof scriptedSource>) {
  const manager = new TokenManager({ minIntervalMs: 0, timers: false });
  const source = scriptedSource(...(steps.length > 0 ? steps : [3600]));
  const send = authorizedFetch(manager.provider(source), { origins: [server.origin] });
  return { source, send };
}

/** Accepts one token; says why it refuses the others. */
function accepting(token: string, challenge = 'Bearer error="invalid_token"'): Handler {
  return ({ headers }) =>
    headers.authorization === `Bearer ${token}`
      ? { body: "ok" }
      : { status: 401, headers: { "www-authenticate": challenge } };
}

const authorizations = (server: TokenServer) => server.received.map(({ headers }) => headers.authorization);

describe("authorizedFetch()", () => {
  it("adds the token for an allowed origin", async () => {
    await using server = await startTokenServer(accepting("t1"));
    const { send } = setUp(server);
    assert.equal((await send(`${server.origin}/a?b`)).status, 200);
    assert.equal((await send(new URL(server.origin))).status, 200);
    assert.equal((await send(new Request(server.origin, { headers: { "x-own": "1" } }))).status, 200);
    assert.equal(server.received[2]?.headers["x-own"], "1");
  });

  it("sends no token to another origin: another port is another origin", async () => {
    await using server = await startTokenServer();
    await using other = await startTokenServer();
    const { send, source } = setUp(server);
    await send(other.origin);
    await send(`http://localhost:${new URL(server.origin).port}`).catch(() => undefined);
    assert.deepEqual([...authorizations(other), ...authorizations(server)].filter(Boolean), []);
    assert.equal(source.contexts.length, 0);
  });

  it("leaves a header alone that is there already", async () => {
    await using server = await startTokenServer(accepting("other"));
    const { send } = setUp(server);
    const response = await send(server.origin, { headers: { Authorization: "Bearer mine" } });
    assert.equal(response.status, 401);
    assert.deepEqual(authorizations(server), ["Bearer mine"]);
  });

  it("does not send a token again that was refused, whoever hands it out", async () => {
    await using server = await startTokenServer(accepting("another"));
    const token = createToken({ accessToken: "same" }, { issuedAt: 0, lifetimeMs: 1_000 });
    const provider = { getToken: async () => token, invalidate: () => true };
    const response = await authorizedFetch(provider, { origins: [server.origin] })(server.origin);
    assert.equal(response.status, 401);
    assert.deepEqual(authorizations(server), ["Bearer same"]);
  });

  it("sends the request again though the body of the refusal broke off", async () => {
    await using server = await startTokenServer(accepting("t2"));
    const source = scriptedSource(3600);
    const manager = new TokenManager({ minIntervalMs: 0, timers: false });
    const breaking = async (...parameters: Parameters<typeof fetch>) => {
      const { status, headers } = await fetch(...parameters);
      const body = new ReadableStream({ start: (controller) => controller.error(new Error("reset")) });
      return new Response(body, { status, headers });
    };
    const options = { origins: [server.origin], fetch: breaking };
    assert.equal((await authorizedFetch(manager.provider(source), options)(server.origin)).status, 200);
  });

  const bodies: Record<string, () => RequestInit> = {
    "no body": () => ({}),
    text: () => ({ method: "POST", body: "payload" }),
    bytes: () => ({ method: "POST", body: new TextEncoder().encode("payload") }),
    "a form": () => ({ method: "POST", body: new URLSearchParams({ a: "b" }) }),
  };
  for (const [name, init] of Object.entries(bodies)) {
    it(`replays ${name} once after 401, with the next token`, async () => {
      await using server = await startTokenServer(accepting("t2"));
      const { send } = setUp(server);
      assert.equal((await send(server.origin, init())).status, 200);
      assert.deepEqual(authorizations(server), ["Bearer t1", "Bearer t2"]);
      assert.equal(server.received[0]?.body, server.received[1]?.body);
    });
  }

  it("replays once only", async () => {
    await using server = await startTokenServer(accepting("never"));
    const { send } = setUp(server);
    assert.equal((await send(server.origin)).status, 401);
    assert.equal(server.received.length, 2);
  });

  it("does not replay a stream, but tells that its token was refused: six uploads, one refusal", async () => {
    await using server = await startTokenServer(accepting("t2"));
    const { send, source } = setUp(server);
    const stream = () => new Blob(["payload"]).stream();
    const init = () => ({ method: "POST", body: stream(), duplex: "half" }) as RequestInit;
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      statuses.push((await send(server.origin, init())).status);
      statuses.push((await send(new Request(server.origin, init()))).status);
    }
    assert.deepEqual(statuses, [401, 200, 200, 200, 200, 200]);
    assert.equal(server.received.length, 6);
    assert.equal(source.contexts.length, 2);
  });

  it("does not blame its token for the 401 of another origin that a redirect led to", async () => {
    await using elsewhere = await startTokenServer(() => ({ status: 401 }));
    await using server = await startTokenServer(() => ({ status: 307, headers: { location: elsewhere.origin } }));
    const { send, source } = setUp(server);
    assert.equal((await send(server.origin)).status, 401);
    assert.equal(server.received.length, 1);
    assert.equal(source.contexts.length, 1);
  });

  it("blames its token for the 401 that a redirect within the origin led to", async () => {
    await using server = await startTokenServer((request, count) =>
      request.path === "/" ? { status: 307, headers: { location: "/next" } } : accepting("t2")(request, count),
    );
    const { send } = setUp(server);
    assert.equal((await send(server.origin)).status, 200);
    assert.deepEqual(authorizations(server), ["Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"]);
  });

  it("stops waiting by the signal of its options, beside the request's", async () => {
    await using server = await startTokenServer();
    const manager = new TokenManager({ timers: false });
    const provider = manager.provider(scriptedSource(() => new Promise<never>(() => undefined)));
    for (const own of [undefined, new AbortController().signal]) {
      const control = new AbortController();
      const send = authorizedFetch(provider, { origins: [server.origin], wait: { signal: control.signal } });
      const sent = assert.rejects(send(server.origin, own === undefined ? {} : { signal: own }), /enough/);
      control.abort(new Error("enough"));
      await sent;
    }
    manager.close();
  });

  it("sends tokens over plain http to a host that is named, when it is told to, and to no other scheme", async () => {
    const sent: string[] = [];
    const options = {
      origins: ["http://api:3000"],
      allowInsecureHttp: true,
      fetch: async (_input: unknown, init?: RequestInit) => {
        sent.push(new Headers(init?.headers).get("authorization") ?? "");
        return new Response();
      },
    };
    const manager = new TokenManager({ timers: false });
    const provider = manager.provider(scriptedSource(3600));
    await authorizedFetch(provider, options)("http://api:3000/x");
    assert.deepEqual(sent, ["Bearer t1"]);
    assert.throws(() => authorizedFetch(provider, { ...options, origins: ["ftp://api"] }), TypeError);
    manager.close();
  });

  it("does not blame the token for insufficient_scope", async () => {
    await using server = await startTokenServer(accepting("t2", 'Bearer realm="x", error="insufficient_scope"'));
    const { send, source } = setUp(server);
    assert.equal((await send(server.origin)).status, 401);
    assert.equal(source.contexts.length, 1);
  });

  it("gives the 401 back when there is no other token", async () => {
    await using server = await startTokenServer(accepting("t2"));
    const { send } = setUp(server, 3600, "invalid_client");
    assert.equal((await send(server.origin)).status, 401);
    assert.equal(server.received.length, 1);
  });

  it("loses the token on a redirect to another origin", async () => {
    await using elsewhere = await startTokenServer();
    await using server = await startTokenServer(() => ({ status: 307, headers: { location: elsewhere.origin } }));
    const { send } = setUp(server);
    await send(server.origin);
    assert.deepEqual(authorizations(elsewhere), [undefined]);
  });

  it("stops waiting for a token by the request's signal", async () => {
    await using server = await startTokenServer();
    const { send } = setUp(server, () => new Promise<never>(() => undefined));
    const control = new AbortController();
    const sent = assert.rejects(send(server.origin, { signal: control.signal }), /enough/);
    control.abort(new Error("enough"));
    await sent;
  });

  it("refuses origins that are none, or not safe, at construction", () => {
    const provider = new TokenManager({ timers: false }).provider(scriptedSource(1));
    for (const origin of [
      "http://api.example.com",
      "https://api.example.com/path",
      "api.example.com",
      "*",
      "file:///etc",
      "https://u@a.example",
    ])
      assert.throws(() => authorizedFetch(provider, { origins: [origin] }), TypeError, origin);
  });
});
