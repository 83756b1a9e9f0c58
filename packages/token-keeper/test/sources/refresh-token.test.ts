import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import {
  type LeasingCache,
  memoryCache,
  publicClient,
  refreshTokenSource,
  sealedCache,
  systemClock,
  type TokenCache,
  TokenManager,
  TokenWatcher,
  tokenKey,
} from "@countersign/token-keeper";
import { FakeClock } from "@countersign/token-keeper/testing";
import { aContext } from "../support/context.ts";
import { aSlowStore, passing } from "../support/slow-store.ts";
import { freshTokens, type Handler, refusal, startTokenServer, type TokenServer } from "../support/token-server.ts";

/** A server that spends each refresh token once; `current` is the only one it takes. */
function rotating(): Handler & { current: string } {
  const handler = Object.assign(
    ((request) => {
      if (request.parameters.get("refresh_token") !== handler.current) return refusal("invalid_grant");
      const number = Number(handler.current.slice(3)) + 1;
      handler.current = `rt-${number}`;
      return {
        body: { access_token: `at-${number}`, token_type: "Bearer", expires_in: 60, refresh_token: handler.current },
      };
    }) as Handler,
    { current: "rt-1" },
  );
  return handler;
}

/** A server that answers each refresh token with one that tells its origin. */
function heirs(prefix = ""): Handler {
  return ({ parameters }) => {
    const heir = `${prefix}${parameters.get("refresh_token")}'`;
    return { body: { access_token: `at-of-${heir}`, token_type: "Bearer", expires_in: 60, refresh_token: heir } };
  };
}

function aLogin(server: TokenServer, store: TokenCache | undefined, refreshToken = "rt-1", audience = "api") {
  return refreshTokenSource({
    tokenEndpoint: server.tokenEndpoint,
    client: publicClient("app"),
    subject: "ada",
    refreshToken,
    audience,
    ...(store === undefined ? {} : { store }),
  });
}

/** A store that keeps nothing new while `disk.full`. */
function aFullStore() {
  const inner = memoryCache();
  const disk = { full: true };
  const store: TokenCache = {
    ...inner,
    set: (key, value) => (disk.full ? Promise.reject(new Error("ENOSPC")) : inner.set(key, value)),
  };
  return { store, inner, disk };
}

const sent = (server: TokenServer) => server.received.map(({ parameters }) => parameters.get("refresh_token"));

describe("refreshTokenSource()", () => {
  it("stores each new refresh token before it hands out the access token", async () => {
    await using server = await startTokenServer(rotating());
    const order: string[] = [];
    const inner = memoryCache();
    const store: TokenCache = {
      ...inner,
      async set(key, value) {
        await inner.set(key, value);
        order.push("stored");
      },
    };
    const context = aContext();
    await aLogin(server, store).request(context);
    order.push("handed out");
    assert.deepEqual(order, ["stored", "handed out"]);
    assert.deepEqual(
      context.events.map(({ type }) => type),
      ["rotated", "requested"],
    );
  });

  it("goes on from the stored token after a restart", async () => {
    await using server = await startTokenServer(rotating());
    const store = memoryCache();
    await aLogin(server, store).request(aContext());
    await aLogin(server, store).request(aContext());
    assert.deepEqual(sent(server), ["rt-1", "rt-2"]);
  });

  it("needs no store for two audiences of one login, or for a source made anew, in one process", async () => {
    await using server = await startTokenServer(rotating());
    for (const audience of ["api", "mail", "api"])
      await aLogin(server, undefined, "rt-1", audience).request(aContext());
    assert.deepEqual(sent(server), ["rt-1", "rt-2", "rt-3"]);
  });

  it("begins anew when somebody logged in again", async () => {
    await using server = await startTokenServer(rotating());
    const store = memoryCache();
    await aLogin(server, store).request(aContext());
    server.handler = Object.assign(rotating(), { current: "rt-1" });
    await aLogin(server, store, "rt-100")
      .request(aContext())
      .catch(() => undefined);
    assert.equal(sent(server).at(-1), "rt-100");
  });

  for (const [name, extra] of Object.entries({
    none: {},
    null: { refresh_token: null },
    "an empty one": { refresh_token: "" },
  })) {
    it(`keeps the old token when the server sends ${name}`, async () => {
      await using server = await startTokenServer(freshTokens(60, extra));
      const source = aLogin(server, memoryCache());
      await source.request(aContext());
      await source.request(aContext());
      assert.deepEqual(sent(server), ["rt-1", "rt-1"]);
    });
  }

  it("sends the same token again after an answer was lost", async () => {
    await using server = await startTokenServer(() => "drop");
    const source = aLogin(server, memoryCache());
    await assert.rejects(source.request(aContext()), { code: "network_failed" });
    server.handler = rotating();
    await source.request(aContext());
    assert.deepEqual(sent(server), ["rt-1", "rt-1"]);
  });

  it("adopts a sibling's token after invalid_grant", async () => {
    const handler = rotating();
    await using server = await startTokenServer(handler);
    const inner = memoryCache();
    const [ours, sibling] = [aLogin(server, withoutLeases(inner)), aLogin(server, withoutLeases(inner))];
    // The sibling rotates while our request is under way: ours comes second.
    let raced = false;
    server.handler = async (request, count) => {
      if (!raced) {
        raced = true;
        await sibling.request(aContext());
      }
      return handler(request, count);
    };
    const token = await ours.request(aContext());
    assert.equal(token.accessToken.reveal(), "at-3");
    assert.deepEqual(sent(server), ["rt-1", "rt-1", "rt-2"]);
  });

  it("surfaces invalid_grant when the store knows no better", async () => {
    await using server = await startTokenServer(() => refusal("invalid_grant"));
    await assert.rejects(aLogin(server, memoryCache()).request(aContext()), {
      code: "invalid_grant",
      retryable: false,
    });
    assert.equal(server.received.length, 1);
  });

  it("hands out nothing while the new token cannot be stored, and asks for no other", async () => {
    await using server = await startTokenServer(rotating());
    const { store, inner, disk } = aFullStore();
    const source = aLogin(server, store);
    await assert.rejects(source.request(aContext()), { code: "storage_failed", retryable: true });
    await assert.rejects(source.request(aContext()), { code: "storage_failed" });
    disk.full = false;
    assert.equal((await source.request(aContext())).accessToken.reveal(), "at-2");
    assert.equal(server.received.length, 1);
    assert.equal((await aLogin(server, inner).request(aContext())).accessToken.reveal(), "at-3");
  });

  it("hands out nothing to the login's other sources either while the new token cannot be stored", async () => {
    await using server = await startTokenServer(rotating());
    const { store, disk } = aFullStore();
    for (const audience of ["api", "api", "mail"])
      await assert.rejects(aLogin(server, store, "rt-1", audience).request(aContext()), { code: "storage_failed" });
    disk.full = false;
    const tokens = ["api", "mail"].map(async (audience) => {
      const { accessToken } = await aLogin(server, store, "rt-1", audience).request(aContext({ clock: systemClock }));
      return accessToken.reveal();
    });
    assert.deepEqual(await Promise.all(tokens), ["at-2", "at-3"]);
    assert.deepEqual(sent(server), ["rt-1", "rt-2"]);
  });

  it("sends nothing once its keeper is closed, though fetch does not look at its signal: the answer would be lost", async () => {
    await using server = await startTokenServer(rotating());
    const deaf = (url: string, { signal: _signal, ...init }: RequestInit) => fetch(url, init);
    const options = { tokenEndpoint: server.tokenEndpoint, client: publicClient("app"), subject: "ada" };
    const store = withoutLeases(memoryCache());
    const source = refreshTokenSource({ ...options, refreshToken: "rt-1", store, fetch: deaf });
    const context = aContext({ signal: AbortSignal.abort(new Error("closed")) });
    await assert.rejects(source.request(context), { message: "closed" });
    await source.request(aContext());
    assert.deepEqual(sent(server), ["rt-1"]);
  });

  it("lets no write that lands late replace a newer token", async () => {
    await using server = await startTokenServer(rotating());
    const inner = withoutLeases(memoryCache());
    const { store, open } = aSlowStore(inner);
    const [source, context] = [aLogin(server, store), aContext()];
    const codes: (string | undefined)[] = [];
    for (let i = 0; i < 3; i++)
      await passing(context.clock, source.request(context)).catch(({ code }) => codes.push(code));
    open();
    await context.clock.advance(0);
    assert.equal((await aLogin(server, inner).request(aContext())).accessToken.reveal(), "at-3");
    assert.deepEqual(sent(server), ["rt-1", "rt-2"]);
    assert.deepEqual(codes, ["storage_failed", "storage_failed", "storage_failed"]);
  });

  it("keeps the lease while a write is late: a sibling waits for it, and sends no spent token", async () => {
    await using server = await startTokenServer(rotating());
    const inner = memoryCache();
    const { store, open } = aSlowStore(inner);
    const context = aContext();
    const failed = passing(context.clock, aLogin(server, store).request(context));
    await assert.rejects(failed, { code: "storage_failed" });
    const sibling = aLogin(server, { ...inner }).request(context);
    await context.clock.advance(1_000);
    open();
    assert.equal((await passing(context.clock, sibling)).accessToken.reveal(), "at-3");
    assert.deepEqual(sent(server), ["rt-1", "rt-2"]);
  });

  it("stores no token that could not be stored over one a sibling came to meanwhile", async () => {
    await using server = await startTokenServer(heirs());
    const { store, inner, disk } = aFullStore();
    const ours = aLogin(server, store);
    await assert.rejects(ours.request(aContext()), { code: "storage_failed" });
    for (let i = 0; i < 2; i++) await aLogin(server, inner).request(aContext());
    disk.full = false;
    assert.equal((await ours.request(aContext())).accessToken.reveal(), "at-of-rt-1'");
    await aLogin(server, { ...inner }).request(aContext());
    await ours.request(aContext());
    assert.deepEqual(sent(server), ["rt-1", "rt-1", "rt-1'", "rt-1''", "rt-1'''"]);
  });

  for (const [name, { rotations, next }] of Object.entries({
    "another of the same age": { rotations: 1, next: ["rt-1'", "rt-1''"] },
    "a newer one": { rotations: 2, next: ["rt-1''", "rt-1'''"] },
  })) {
    it(`stores no token over ${name} when it was held up between the answer and the store`, async () => {
      await using server = await startTokenServer(heirs());
      const inner = withoutLeases(memoryCache());
      server.handler = async (request, count) => {
        server.handler = heirs();
        for (let i = 0; i < rotations; i++) await aLogin(server, { ...inner }).request(aContext());
        return heirs("late-")(request, count);
      };
      const ours = aLogin(server, inner);
      assert.equal((await ours.request(aContext())).accessToken.reveal(), "at-of-late-rt-1'");
      await aLogin(server, { ...inner }).request(aContext());
      await ours.request(aContext());
      assert.deepEqual(sent(server).slice(-2), next);
    });
  }

  it("hands no token to a source of another audience because it could not be stored when it came", async () => {
    await using server = await startTokenServer(rotating());
    const { store, disk } = aFullStore();
    await assert.rejects(aLogin(server, store, "rt-1", "api").request(aContext()), { code: "storage_failed" });
    disk.full = false;
    const { accessToken } = await aLogin(server, store, "rt-1", "mail").request(aContext());
    assert.equal(accessToken.reveal(), "at-3");
    assert.deepEqual(sent(server), ["rt-1", "rt-2"]);
  });

  it("sends a sibling's token after invalid_grant and after no other error", async () => {
    await using server = await startTokenServer(heirs());
    const inner = withoutLeases(memoryCache());
    server.handler = async () => {
      server.handler = heirs();
      await aLogin(server, { ...inner }).request(aContext());
      return refusal("invalid_client", 401);
    };
    await assert.rejects(aLogin(server, inner).request(aContext()), { code: "invalid_client" });
    assert.deepEqual(sent(server), ["rt-1", "rt-1"]);
  });

  it("never sends the configured token when the store cannot be read: it may be spent", async () => {
    await using server = await startTokenServer(rotating());
    const store = { ...memoryCache(), get: () => Promise.reject(new Error("EIO")) };
    await assert.rejects(aLogin(server, store).request(aContext()), { code: "storage_failed" });
    assert.equal(server.received.length, 0);
  });

  const unreadable: Record<string, (inner: LeasingCache) => TokenCache> = {
    "was sealed under another key": (inner) => sealedCache(inner, { keys: [new Uint8Array(32).fill(2)] }),
    "is sealed, where this source has no key": (inner) => inner,
    "was another key's": (inner) => {
      const sealed = sealedCache(inner, { keys: [new Uint8Array(32).fill(1)] });
      const get = async (key: string) => (await sealed.get(key))?.replace('"key":"login:', '"key":"another:');
      return { ...sealed, get };
    },
  };
  for (const [name, other] of Object.entries(unreadable)) {
    it(`never sends the configured token when the stored one ${name}: it is spent`, async () => {
      await using server = await startTokenServer(rotating());
      const inner = memoryCache();
      await aLogin(server, sealedCache(inner, { keys: [new Uint8Array(32).fill(1)] })).request(aContext());
      await assert.rejects(aLogin(server, other(inner)).request(aContext()), {
        code: "storage_failed",
        retryable: true,
      });
      assert.deepEqual(sent(server), ["rt-1"]);
    });
  }

  it("sends nothing when the store cannot be locked", async () => {
    await using server = await startTokenServer(rotating());
    const store = { ...memoryCache(), lease: () => Promise.reject(new Error("EROFS")) };
    await assert.rejects(aLogin(server, store).request(aContext()), { code: "storage_failed" });
    assert.equal(server.received.length, 0);
  });

  it("sends nothing when the store cannot be read, though it remembers a token: a sibling may have spent it", async () => {
    await using server = await startTokenServer(rotating());
    const inner = memoryCache();
    let broken = false;
    const store = { ...inner, get: (key: string) => (broken ? Promise.reject(new Error("EIO")) : inner.get(key)) };
    const [ours, sibling] = [aLogin(server, store), aLogin(server, inner)];
    await ours.request(aContext());
    await sibling.request(aContext());
    broken = true;
    await assert.rejects(ours.request(aContext()), { code: "storage_failed", retryable: true });
    broken = false;
    await ours.request(aContext());
    assert.deepEqual(sent(server), ["rt-1", "rt-2", "rt-3"]);
  });

  for (const [name, wrap] of Object.entries({
    "with leases": (store: TokenCache) => store,
    "without leases": withoutLeases,
  })) {
    it(`spends each token once under 20 concurrent requests, ${name}`, async () => {
      await using server = await startTokenServer(rotating());
      const store = wrap(memoryCache());
      const requests = Array.from({ length: 20 }, (_, index) =>
        aLogin(server, store, "rt-1", `api-${index % 2}`).request(aContext({ clock: systemClock })),
      );
      await Promise.all(requests);
      assert.equal(new Set(sent(server)).size, 20);
    });
  }

  it("keeps two logins of one subject apart in one store: neither spends nor forgets the other's token", async () => {
    await using server = await startTokenServer(heirs());
    const store = memoryCache();
    // Each source made anew, as after a restart.
    for (const first of ["phone", "laptop", "phone", "laptop"]) await aLogin(server, store, first).request(aContext());
    assert.deepEqual(sent(server), ["phone", "laptop", "phone'", "laptop'"]);
  });

  it("shares no access token between two logins of one subject, and the end of one ends no other", async () => {
    await using server = await startTokenServer(heirs());
    await using manager = new TokenManager({ caches: [memoryCache()], minIntervalMs: 0 });
    const store = memoryCache();
    const [phone, laptop] = [aLogin(server, store, "phone"), aLogin(server, store, "laptop")];
    const tokens = [await manager.getToken(phone), await manager.getToken(laptop)];
    assert.deepEqual(
      tokens.map(({ accessToken }) => accessToken.reveal()),
      ["at-of-phone'", "at-of-laptop'"],
    );
    server.handler = (request, count) =>
      /^laptop/.test(request.parameters.get("refresh_token") ?? "")
        ? refusal("invalid_grant")
        : heirs("again-")(request, count);
    for (const [index, source] of [phone, laptop].entries()) manager.invalidate(source, tokens[index] ?? assert.fail());
    await assert.rejects(manager.getToken(laptop), { code: "invalid_grant" });
    assert.equal((await manager.getToken(phone)).accessToken.reveal(), "at-of-again-phone''");
  });

  for (const [name, revert] of Object.entries({
    "went back to the entry before": (before: string) => before,
    "lost its entry": () => undefined,
  })) {
    it(`goes on from the token it holds when the store ${name}, as after a failover`, async () => {
      await using server = await startTokenServer(rotating());
      const inner = memoryCache();
      const written: string[] = [];
      let lost = false;
      const store: TokenCache = {
        name: "replicated",
        get: async (key) => (lost ? revert(written.at(-2) ?? "") : inner.get(key)),
        async set(key, value) {
          lost = false;
          written.push(value);
          await inner.set(key, value);
        },
      };
      const source = aLogin(server, store);
      for (let i = 0; i < 2; i++) await source.request(aContext());
      lost = true;
      for (let i = 0; i < 2; i++) await source.request(aContext());
      assert.deepEqual(sent(server), ["rt-1", "rt-2", "rt-3", "rt-4"]);
    });
  }

  it("goes on from an entry whose key does not tell logins apart, when it is of this login", async () => {
    await using server = await startTokenServer(heirs());
    const login = tokenKey({
      issuer: server.tokenEndpoint,
      clientId: "app",
      grant: "refresh_token",
      subject: "ada",
    });
    const entry = {
      version: 1,
      key: `login:${login}`,
      login: createHash("sha256").update("phone").digest("base64url"),
      generation: 7,
      refresh_token: "phone'",
    };
    const store = memoryCache();
    await store.set(entry.key, JSON.stringify(entry));
    const context = aContext();
    for (const first of ["laptop", "phone", "phone"]) await aLogin(server, store, first).request(context);
    assert.deepEqual(sent(server), ["laptop", "phone'", "phone''"]);
    const generations = context.events.flatMap((event) => (event.type === "rotated" ? [event.generation] : []));
    assert.deepEqual(generations, [1, 8, 9]);
  });

  it("keeps two users' logins apart in one store, sealed", async () => {
    const store = sealedCache(memoryCache(), { keys: [new Uint8Array(32)] });
    await using server = await startTokenServer(heirs());
    const common = { tokenEndpoint: server.tokenEndpoint, client: publicClient("app"), store };
    const ada = refreshTokenSource({ ...common, subject: "ada", refreshToken: "a" });
    const bob = refreshTokenSource({ ...common, subject: "bob", refreshToken: "b" });
    for (const source of [ada, bob, ada, bob]) await source.request(aContext());
    assert.deepEqual(sent(server), ["a", "b", "a'", "b'"]);
  });

  for (const [name, wrap] of Object.entries({
    "with leases": (store: TokenCache) => store,
    "without leases": withoutLeases,
  })) {
    it(`waits for an answer that is late, and sends nothing again while it may be on its way, ${name}`, async () => {
      const [gate, handler] = [Promise.withResolvers<void>(), rotating()];
      await using server = await startTokenServer(async (request, count) => {
        await gate.promise;
        return handler(request, count);
      });
      const [source, context] = [aLogin(server, wrap(memoryCache())), aContext()];
      const first = assert.rejects(source.request(context), { code: "timed_out" });
      while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
      await context.clock.advance(10_000);
      await first;
      const next = source.request(context);
      await context.clock.advance(5_000);
      gate.resolve();
      assert.equal((await passing(context.clock, next)).accessToken.reveal(), "at-2");
      assert.deepEqual(sent(server), ["rt-1"]);
    });
  }

  it("keeps the lease while an answer is late: a sibling waits for it, and sends no spent token", async () => {
    const [gate, handler] = [Promise.withResolvers<void>(), rotating()];
    await using server = await startTokenServer(async (request, count) => {
      await gate.promise;
      return handler(request, count);
    });
    const inner = memoryCache();
    const context = aContext();
    const first = assert.rejects(aLogin(server, inner).request(context), { code: "timed_out" });
    while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await context.clock.advance(10_000);
    await first;
    const sibling = aLogin(server, { ...inner }).request(context);
    await context.clock.advance(5_000);
    gate.resolve();
    assert.equal((await passing(context.clock, sibling)).accessToken.reveal(), "at-3");
    assert.deepEqual(sent(server), ["rt-1", "rt-2"]);
  });

  it("keeps what an answer brings that comes after its keeper was closed", async () => {
    const [gate, handler] = [Promise.withResolvers<void>(), rotating()];
    await using server = await startTokenServer(async (request, count) => {
      await gate.promise;
      return handler(request, count);
    });
    const store = memoryCache();
    const closing = new AbortController();
    const request = aLogin(server, store).request(aContext({ clock: systemClock, signal: closing.signal }));
    const rejected = assert.rejects(request, { message: "closed" });
    while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    closing.abort(new Error("closed"));
    await rejected;
    gate.resolve();
    const next = aLogin(server, store).request(aContext({ clock: systemClock }));
    assert.equal((await next).accessToken.reveal(), "at-2");
    const { accessToken } = await aLogin(server, store).request(aContext({ clock: systemClock }));
    assert.equal(accessToken.reveal(), "at-3");
  });

  it("asks again within the server's replay window, where it is known", async () => {
    const requests: string[] = [];
    await using server = await startTokenServer((request, count) => {
      requests.push(request.parameters.get("refresh_token") ?? "");
      return requests.length === 1 ? new Promise(() => undefined) : freshTokens()(request, count);
    });
    const source = refreshTokenSource({
      tokenEndpoint: server.tokenEndpoint,
      client: publicClient("app"),
      subject: "ada",
      refreshToken: "rt-1",
      store: memoryCache(),
      replayWindowMs: 10_000,
    });
    const context = aContext();
    const first = assert.rejects(source.request(context), { code: "timed_out" });
    while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await context.clock.advance(5_000);
    await first;
    await passing(context.clock, source.request(context));
    assert.deepEqual(requests, ["rt-1", "rt-1"]);
  });

  it("tells onRotation each new token before the access token is handed out, and hands out none while it fails", async () => {
    await using server = await startTokenServer(rotating());
    const told: string[] = [];
    let broken = true;
    const source = refreshTokenSource({
      tokenEndpoint: server.tokenEndpoint,
      client: publicClient("app"),
      subject: "ada",
      refreshToken: "rt-1",
      store: memoryCache(),
      async onRotation({ refreshToken, generation }) {
        if (broken) throw new Error("keyring locked");
        told.push(`${generation} ${refreshToken.reveal()}`);
      },
    });
    await assert.rejects(source.request(aContext()), { code: "storage_failed" });
    broken = false;
    await source.request(aContext());
    await source.request(aContext());
    assert.deepEqual(told, ["1 rt-2", "2 rt-3"]);
    assert.deepEqual(sent(server), ["rt-1", "rt-2"]);
  });

  it("asks again after invalid_grant as soon as a sibling has stored another token", async () => {
    const handler = Object.assign(rotating(), { current: "rt-0" });
    await using server = await startTokenServer(handler);
    const clock = new FakeClock();
    const store = memoryCache({ clock });
    const source = aLogin(server, store);
    await using watcher = new TokenWatcher(source, { clock });
    while (watcher.health().lastError?.code !== "invalid_grant") await clock.advance(0);
    await clock.advance(20_000);
    assert.equal(server.received.length, 1);
    const fingerprint = createHash("sha256").update("rt-1").digest("base64url");
    const { issuer, clientId, grant, subject } = source.identity;
    const key = `login:${tokenKey({ issuer, clientId, grant, subject, partition: fingerprint })}`;
    const login = { version: 1, key, login: fingerprint, generation: 4, refresh_token: "rt-0" };
    await store.set(key, JSON.stringify(login));
    await clock.advance(5_001);
    assert.equal((await passing(clock, watcher.getToken())).accessToken.reveal(), "at-1");
    assert.deepEqual(sent(server), ["rt-1", "rt-0"]);
  });
});

function withoutLeases({ name, get, set }: TokenCache): TokenCache {
  return { name, get, set };
}
