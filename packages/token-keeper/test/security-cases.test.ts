import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  cachedSource,
  constantBackoff,
  memoryCache,
  noJitter,
  publicClient,
  refreshTokenSource,
  secretPost,
  TokenError,
  TokenManager,
  type TokenManagerOptions,
  TokenWatcher,
} from "@countersign/token-keeper";
import { fileCache } from "@countersign/token-keeper/node";
import { FakeClock } from "@countersign/token-keeper/testing";
import { aContext, aFolder, aSource } from "./support/context.ts";
import { freshTokens, type Handler, refusal, startTokenServer, type TokenServer } from "./support/token-server.ts";

interface Bench {
  readonly server: TokenServer;
  readonly clock: FakeClock;
  readonly folder: string;
  /** A manager on the fake clock, closed when the case is over. */
  manager(options?: TokenManagerOptions): TokenManager;
}

/** One row of the catalogue: what is done, and what must come of it. */
interface Case {
  readonly id: string;
  readonly build: (bench: Bench) => Promise<unknown>;
  readonly expect: unknown;
}

/** What an attempt came to: the token's text, or the error's code. */
async function outcome(work: Promise<{ accessToken: { reveal(): string } }>): Promise<string> {
  return work.then(
    (token) => token.accessToken.reveal(),
    (error) => (error instanceof TokenError ? error.code : `threw ${error}`),
  );
}

/** Lets fake time pass until real work on sockets and files has settled. */
async function whileTimePasses<T>(clock: FakeClock, work: Promise<T>, stepMs = 1_000): Promise<T> {
  let settled = false;
  const done = work.finally(() => {
    settled = true;
  });
  done.catch(() => undefined);
  while (!settled) await clock.advance(stepMs);
  return done;
}

const dead: Handler = () => "drop";
const once = { timeoutMs: 0 };

function answering(body: unknown, headers: Record<string, string> = {}, status = 200): Case["build"] {
  return async ({ server, manager }) => {
    server.handler = () => ({ status, body, headers });
    return outcome(manager().getToken(aSource(server), once));
  };
}

const token = { access_token: "abc", token_type: "Bearer", expires_in: 3600 };

const cases: readonly Case[] = [
  {
    id: "I1 authority down at start, with a cached token",
    async build({ server, folder, manager }) {
      const caches = [fileCache({ folder })];
      await cachedSource(aSource(server), { caches }).request(aContext());
      server.handler = dead;
      return [await outcome(manager({ caches }).getToken(aSource(server), once)), server.received.length];
    },
    expect: ["token-1", 1],
  },
  {
    id: "I1 authority down at start, without a cached token: an error after a bounded number of tries",
    async build({ server, clock, manager }) {
      server.handler = dead;
      const got = outcome(manager({ backoff: constantBackoff(1_000) }).getToken(aSource(server), { timeoutMs: 5_500 }));
      const code = await whileTimePasses(clock, got, 500);
      return [code, server.received.length <= 6];
    },
    expect: ["network_failed", true],
  },
  {
    id: "I2 authority down for 8 hours: the token is handed out to its expiry and not beyond",
    async build({ server, clock, manager }) {
      const keeper = manager({ backoff: constantBackoff(300_000) });
      const source = aSource(server, { lifetime: () => 60_000, timeoutMs: 1e9 });
      await keeper.getToken(source);
      server.handler = dead;
      await clock.advance(3_599_000);
      const before = await outcome(keeper.getToken(source, once));
      await clock.advance(1_000);
      const after = outcome(keeper.getToken(source, { timeoutMs: 8 * 3_600_000 }));
      return [before, await whileTimePasses(clock, after, 60_000), server.received.length <= 2 + 96];
    },
    expect: ["token-1", "network_failed", true],
  },
  {
    id: "I4 1,000 concurrent getToken()",
    async build({ server, manager }) {
      const keeper = manager();
      const source = aSource(server);
      const tokens = await Promise.all(Array.from({ length: 1_000 }, () => outcome(keeper.getToken(source))));
      return [new Set(tokens).size, server.received.length];
    },
    expect: [1, 1],
  },
  ...[3_600_000, -3_600_000].map((jumpMs) => ({
    id: `I9 clock jump of ${jumpMs / 3_600_000} h: one refresh at most, and never an expired token`,
    async build({ server, clock, manager }: Bench) {
      const keeper = manager({ timers: true });
      const source = aSource(server);
      const first = await keeper.getToken(source);
      const startedAt = clock.monotonic();
      clock.jump(jumpMs);
      let oldest = 0;
      for (let i = 0; i < 60; i++) {
        await clock.advance(60_000);
        const got = await whileTimePasses(clock, keeper.getToken(source), 0);
        if (got === first) oldest = clock.monotonic() - startedAt;
      }
      return [server.received.length <= 3, oldest < first.lifetimeMs];
    },
    expect: [true, true],
  })),
  {
    id: "I10 server clock 5 minutes off: expires_in counts, and exp by the server's own clock",
    async build({ server, clock, manager }) {
      const exp = clock.now() / 1000 - 300 + 60;
      const jwt = `e30.${Buffer.from(JSON.stringify({ exp })).toString("base64url")}.c2ln`;
      const headers = { date: new Date(clock.now() - 300_000).toUTCString() };
      server.handler = () => ({ headers, body: { ...token, access_token: jwt, expires_in: 60 } });
      return (await manager().getToken(aSource(server))).untilExpired(clock.now());
    },
    expect: 60_000,
  },
  { id: "I11 expires_in 0: not known", build: answering({ ...token, expires_in: 0 }), expect: "abc" },
  { id: "I11 expires_in negative: not known", build: answering({ ...token, expires_in: -1 }), expect: "abc" },
  { id: "I11 expires_in as text", build: answering({ ...token, expires_in: "3600" }), expect: "abc" },
  { id: "I11 expires_in 1e12", build: answering({ ...token, expires_in: 1e12 }), expect: "abc" },
  { id: "I11 expires_in absent", build: answering({ ...token, expires_in: undefined }), expect: "abc" },
  { id: "I12 error with 200", build: answering({ error: "invalid_client" }), expect: "invalid_client" },
  { id: "I12 HTML with 200", build: answering("<html>", { "content-type": "text/html" }), expect: "invalid_response" },
  { id: "I12 huge", build: answering({ ...token, padding: "x".repeat(1e6) }), expect: "invalid_response" },
  { id: "I12 token_type missing", build: answering({ ...token, token_type: undefined }), expect: "invalid_response" },
  { id: "I12 token_type mac", build: answering({ ...token, token_type: "mac" }), expect: "invalid_response" },
  {
    id: "I12 duplicated keys",
    build: answering('{"access_token":"a","access_token":"b","token_type":"Bearer"}'),
    expect: "invalid_response",
  },
  ...[301, 302, 303, 307, 308].map((status) => ({
    id: `I12 redirect ${status}: not followed, credentials stay here`,
    async build({ server, manager }: Bench) {
      await using elsewhere = await startTokenServer();
      server.handler = () => ({ status, headers: { location: elsewhere.tokenEndpoint }, body: token });
      return [await outcome(manager().getToken(aSource(server), once)), elsewhere.received.length];
    },
    expect: ["redirect_refused", 0],
  })),
  ...[
    { name: "seconds", value: () => "30", waitMs: 30_000 },
    { name: "a date", value: (now: number) => new Date(now + 30_000).toUTCString(), waitMs: 30_000 },
    { name: "1e9, capped", value: () => "1000000000", waitMs: 3_600_000 },
  ].flatMap(({ name, value, waitMs }) =>
    [429, 503].map((status) => ({
      id: `I13 ${status} with Retry-After in ${name}`,
      async build({ server, clock }: Bench) {
        server.handler = () => ({
          status,
          headers: { "retry-after": value(clock.now()), date: new Date(clock.now()).toUTCString() },
        });
        await using watcher = new TokenWatcher(aSource(server), { clock });
        const failed = new Promise<number | undefined>((resolve) => {
          watcher.on("refresh_failed", ({ retryInMs }) => resolve(retryInMs));
        });
        const retryInMs = (await whileTimePasses(clock, failed, 0)) ?? 0;
        return [retryInMs >= waitMs - 1_000, retryInMs <= waitMs * 1.1];
      },
      expect: [true, true],
    })),
  ),
  {
    id: "I14 invalid_grant: surfaced at once, tried again a few times an hour",
    async build({ server, clock }) {
      server.handler = () => refusal("invalid_grant");
      const source = refreshTokenSource({ ...aLogin(server), store: memoryCache({ clock }) });
      await using watcher = new TokenWatcher(source, { clock });
      let surfaced = 0;
      watcher.on("refresh_failed", () => void surfaced++);
      const code = await whileTimePasses(clock, outcome(watcher.changed()), 0);
      await clock.advance(3_600_000);
      const { length } = server.received;
      return [code, surfaced === length, length >= 5 && length <= 10];
    },
    expect: ["invalid_grant", true, true],
  },
  {
    id: "I15 retry after a lost answer: the same refresh token, the successor stored before use",
    async build({ server, clock, folder, manager }) {
      server.handler = dead;
      const store = fileCache({ folder });
      const source = refreshTokenSource({ ...aLogin(server), store });
      const keeper = manager({ backoff: constantBackoff(1_000) });
      const got = keeper.getToken(source, { timeoutMs: 1e9 }).then(async () => (await readdir(folder)).length);
      setImmediate(async () => {
        while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
        server.handler = () => ({ body: { ...token, refresh_token: "rt-2" } });
      });
      const files = await whileTimePasses(clock, got, 100);
      return [new Set(server.received.map(({ parameters }) => parameters.get("refresh_token"))), files];
    },
    expect: [new Set(["rt-1"]), 1],
  },
  {
    id: "I18 a file cut anywhere, of another version or another audience: asked anew, never thrown, never a wrong token",
    async build({ server, folder }) {
      const source = cachedSource(aSource(server), { caches: [fileCache({ folder })] });
      await source.request(aContext());
      const path = join(folder, (await readdir(folder))[0] ?? "");
      const bytes = await readFile(path);
      const damaged = [
        ...Array.from({ length: bytes.length / 16 }, (_, index) => bytes.subarray(0, index * 16)),
        Buffer.from(`${bytes}`.replace('"version":1', '"version":2')),
        Buffer.from(`${bytes}`.replace("api.example.com", "api.example.org")),
      ];
      let requests = 1;
      for (const text of damaged) {
        await writeFile(path, text, { mode: 0o600 });
        if ((await outcome(source.request(aContext()))) !== `token-${++requests}`) return `believed ${text}`;
      }
      return requests === 1 + damaged.length;
    },
    expect: true,
  },
  {
    id: "I18 the same, sealed: no flipped bit is believed",
    async build({ server, folder }) {
      const caches = [fileCache({ folder, keys: [new Uint8Array(32).fill(9)] })];
      const source = cachedSource(aSource(server), { caches });
      await source.request(aContext());
      const path = join(folder, (await readdir(folder))[0] ?? "");
      let requests = 1;
      for (let at = 8; at < (await readFile(path)).length; at += 29) {
        const bytes = await readFile(path);
        await writeFile(path, bytes.fill((bytes[at] ?? 0) ^ 1, at, at + 1), { mode: 0o600 });
        if ((await outcome(source.request(aContext()))) === `token-${++requests}`) continue;
        return `believed byte ${at}`;
      }
      return requests > 10;
    },
    expect: true,
  },
  {
    id: "I19 a cache that cannot be written: works on, one event",
    async build({ server, clock, manager }) {
      const full = {
        ...memoryCache({ clock }),
        set: () => Promise.reject(new Error("ENOSPC: no space left on device")),
      };
      const keeper = manager({ caches: [full] });
      let warnings = 0;
      keeper.on("cache_failed", () => void warnings++);
      const source = aSource(server);
      for (let i = 0; i < 5; i++) {
        keeper.invalidate(source, await keeper.getToken(source));
        await clock.advance(1_000);
      }
      return [warnings, server.received.length];
    },
    expect: [1, 5],
  },
  {
    id: "I20 one cache, two issuers, audiences, scopes, tenants: no token crosses",
    async build({ server, clock, manager }) {
      await using second = await startTokenServer();
      const echo =
        (name: string): Handler =>
        ({ parameters }) => ({
          body: {
            ...token,
            access_token: [name, parameters.get("audience"), parameters.get("scope"), parameters.get("tenant")].join(),
          },
        });
      [server.handler, second.handler] = [echo("one"), echo("two")];
      const caches = [memoryCache({ clock })];
      const wanted: [string, ReturnType<typeof aSource>][] = [];
      for (const [name, at] of [
        ["one", server],
        ["two", second],
      ] as const)
        for (const audience of ["a", "b"])
          for (const scope of ["r", "w"])
            for (const tenant of ["t", "u"])
              wanted.push([
                [name, audience, scope, tenant].join(),
                aSource(at, { audience, scope: [scope], parameters: { tenant } }),
              ]);
      const crossed: string[] = [];
      for (const keeper of [manager({ caches }), manager({ caches })])
        for (const [expected, source] of wanted)
          if ((await outcome(keeper.getToken(source))) !== expected) crossed.push(expected);
      return [crossed, server.received.length + second.received.length];
    },
    expect: [[], 16],
  },
  {
    id: "I21 metadata of another issuer, endpoint on another host: no credentials leave",
    async build({ server, manager }) {
      const documents = [
        { issuer: "https://other.example" },
        { issuer: server.origin, token_endpoint: "https://evil.example/t" },
      ];
      const codes: string[] = [];
      for (const document of documents) {
        server.handler = () => ({ body: { token_endpoint: server.tokenEndpoint, ...document } });
        codes.push(await outcome(manager().getToken(aSource(server, { issuer: server.origin }), once)));
      }
      return [codes, server.received.some(({ headers, body }) => headers.authorization !== undefined || body !== "")];
    },
    expect: [["discovery_failed", "discovery_failed"], false],
  },
  {
    id: "I23 no secret in inspect, JSON, message, stack or cause of anything that is handed out",
    async build({ server, clock, folder }) {
      server.handler = ({ body }, count) =>
        count % 2 === 0
          ? { status: 400, body: { error: body, error_description: body } }
          : { body: { ...token, access_token: "at-secret", id_token: "it-secret", refresh_token: "rt-secret" } };
      const printed: string[] = [];
      const watcher = new TokenWatcher(
        refreshTokenSource({
          ...aLogin(server),
          client: secretPost("app", "cl-secret"),
          refreshToken: "rt-secret",
          store: fileCache({ folder }),
        }),
        { clock, jitter: noJitter(), minIntervalMs: 0 },
      );
      watcher.on("*", (event) => void printed.push(show(event)));
      printed.push(
        show(await watcher.getToken()),
        show(await outcomeError(watcher.refresh())),
        show(watcher),
        show(watcher.health()),
      );
      watcher.close();
      return [...new Set(printed.join().match(/(?:at|it|rt|cl)-secret/g) ?? [])];
    },
    expect: [],
  },
  {
    id: "I24 close during a refresh: callers are told, nothing is left",
    async build({ server, clock }) {
      server.handler = () => new Promise(() => undefined);
      const manager = new TokenManager({ clock });
      const got = outcome(manager.getToken(aSource(server)));
      while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
      manager.close();
      const code = await got;
      await clock.advance(0);
      return [code, clock.sleepers];
    },
    expect: ["closed", 0],
  },
];

function aLogin(server: TokenServer) {
  const { tokenEndpoint } = server;
  // Files take real time, of which the fake clock knows nothing.
  const storeTimeoutMs = 1e9;
  return { tokenEndpoint, client: publicClient("app"), subject: "ada", refreshToken: "rt-1", storeTimeoutMs };
}

function show(value: unknown): string {
  const shown = inspect(value, { depth: 12, showHidden: true }) + JSON.stringify(value);
  return value instanceof Error ? `${shown}${value.message}${value.stack}` : shown;
}

async function outcomeError(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error) => error);
}

describe("security cases", () => {
  for (const { id, build, expect } of cases) {
    it(id, async () => {
      await using server = await startTokenServer(freshTokens());
      await using folder = await aFolder();
      const managers: TokenManager[] = [];
      const clock = new FakeClock();
      const manager = (options: TokenManagerOptions = {}) => {
        const made = new TokenManager({ clock, timers: false, jitter: noJitter(), ...options });
        managers.push(made);
        return made;
      };
      try {
        assert.deepEqual(await build({ server, clock, folder: folder.path, manager }), expect);
      } finally {
        for (const made of managers) made.close();
      }
    });
  }
});
