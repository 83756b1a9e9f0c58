import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import {
  type Fetch,
  KeyCache,
  type KeyCacheEvent,
  type KeyCacheOptions,
  TokenRefused,
  verifyJwt,
} from "../src/index.ts";
import { FakeClock } from "../src/testing.ts";
import { accessTokenRules, aKey, aToken, type TestKey } from "./fixtures.ts";

const url = "https://id.example.com/.well-known/jwks.json";
const minute = 60_000;
const hour = 60 * minute;

const one = aKey("ES256", "one");
const two = aKey("ES256", "two");

const jwksOf = (...keys: readonly TestKey[]) => JSON.stringify({ keys: keys.map((key) => key.jwk) });
const json = (body: string, headers: Record<string, string> = {}, status = 200) =>
  new Response(body, { status, headers: { "content-type": "application/json", ...headers } });

/** A server of key sets whose next answers the test decides, with a cache in front of it. */
class Scene {
  readonly clock = new FakeClock();
  readonly requests: RequestInit[] = [];
  readonly events: KeyCacheEvent[] = [];
  readonly cache: KeyCache;
  answer: () => Response | Promise<Response> = () => json(jwksOf(one));

  constructor(options: Partial<KeyCacheOptions> = {}) {
    const fetch: Fetch = async (_url, init) => {
      this.requests.push(init);
      return this.answer();
    };
    this.cache = new KeyCache(url, {
      clock: this.clock,
      fetch,
      observe: (event) => this.events.push(event),
      ...options,
    });
  }

  get fetches(): number {
    return this.requests.length;
  }

  /** `found` with the key of this kid, or the reason why not. */
  async find(kid: string | undefined, alg = "ES256"): Promise<string> {
    try {
      const keys = await this.cache.find({ kid, alg });
      return `found ${keys.map((key) => key.kid).join()}`;
    } catch (error) {
      assert.ok(error instanceof TokenRefused);
      return error.reason;
    }
  }

  fail(): void {
    this.answer = () => json("", {}, 500);
  }
}

describe("KeyCache", () => {
  it("fetches once for any number of concurrent callers", async () => {
    const scene = new Scene();
    const found = await Promise.all(Array.from({ length: 1000 }, () => scene.find("one")));
    assert.deepEqual(new Set(found), new Set(["found one"]));
    assert.equal(scene.fetches, 1);
  });

  it("asks for JSON at the configured URL only and follows no redirect", async () => {
    const scene = new Scene();
    await scene.find("one");
    assert.equal(scene.requests[0]?.redirect, "error");
    assert.deepEqual(scene.requests[0]?.headers, { accept: "application/jwk-set+json, application/json" });
  });

  it("I5: fetches at most once a cool-down in a storm of unknown kids", async () => {
    const scene = new Scene();
    await scene.find("one");
    for (let second = 0; second < 120; second++) {
      const reasons = await Promise.all(Array.from({ length: 100 }, (_, i) => scene.find(`k-${second}-${i}`)));
      assert.deepEqual(new Set(reasons), new Set(["unknown_key"]));
      await scene.clock.advance(1000);
    }
    assert.equal(scene.fetches, 1 + 3);
    assert.equal(await scene.find("one"), "found one");
  });

  it("I5: does not fetch again for a kid that a fresh set did not have", async () => {
    const scene = new Scene({ maxAgeMs: hour, missingKeyMs: 5 * minute });
    await scene.clock.advance(hour);
    await scene.find("one");
    await scene.clock.advance(31_000);
    for (let i = 0; i < 10; i++) {
      assert.equal(await scene.find("gone"), "unknown_key");
      await scene.clock.advance(30_000);
      assert.equal(scene.fetches, 2);
    }
    await scene.find("gone");
    assert.equal(scene.fetches, 3, "after five minutes to the millisecond");
  });

  it("I5: bounds what it remembers of missing kids", async () => {
    const scene = new Scene({ maxAgeMs: 24 * hour, coolDownMs: 0, missingKeyMs: 24 * hour });
    await scene.find("one");
    for (let i = 0; i <= 1000; i++) await scene.find(`k-${i}`);
    const before = scene.fetches;
    await scene.find("k-1000");
    assert.equal(scene.fetches, before, "the youngest is remembered");
    await scene.find("k-0");
    assert.equal(scene.fetches, before + 1, "the oldest is forgotten");
  });

  it("I6: finds the new key of a rotation with one fetch", async () => {
    const scene = new Scene();
    await scene.find("one");
    await scene.clock.advance(minute);
    scene.answer = () => json(jwksOf(one, two));
    assert.deepEqual(await Promise.all([scene.find("two"), scene.find("two")]), ["found two", "found two"]);
    assert.equal(scene.fetches, 2);
  });

  const bad: Readonly<Record<string, () => Response | Promise<Response>>> = {
    "status 500": () => json(jwksOf(two), {}, 500),
    "status 204": () => new Response(null, { status: 204 }),
    "304 though nothing was asked": () => new Response(null, { status: 304 }),
    "a redirect": () => new Response(null, { status: 302, headers: { location: "https://evil.example" } }),
    "a redirect that was followed": () => {
      const response = json(jwksOf(two));
      Object.defineProperty(response, "redirected", { value: true });
      return response;
    },
    HTML: () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    "keys called HTML": () => new Response(jwksOf(two), { headers: { "content-type": "text/html" } }),
    "keys without a type": () => new Response(new Blob([jwksOf(two)])),
    "HTML called JSON": () => json("<html>"),
    "empty keys": () => json('{"keys":[]}'),
    "no keys": () => json("{}"),
    "only unknown keys": () => json('{"keys":[{"kty":"new"}]}'),
    "an array": () => json("[]"),
    "a duplicate member": () => json(`{"keys":[],"keys":[${JSON.stringify(two.jwk)}]}`),
    "too large": () => json(jwksOf(two).padEnd(300_000)),
    "an error of the network": () => Promise.reject(new TypeError("fetch failed")),
  };
  for (const [name, answer] of Object.entries(bad)) {
    it(`I7: keeps the old keys after ${name}`, async () => {
      const scene = new Scene();
      await scene.find("one");
      await scene.clock.advance(11 * minute);
      scene.answer = answer;
      assert.equal(await scene.find("one"), "found one");
      assert.equal(await scene.find("two"), "unknown_key");
      assert.equal(scene.fetches, 2);
      assert.equal(scene.events.at(-1)?.type, "failed");
    });
  }

  it("I7: stops reading a body that is too large, and lets go of it", async () => {
    const scene = new Scene();
    let pulled = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    scene.answer = () => new Response(endless, { headers: { "content-type": "application/json" } });
    assert.equal(await scene.find("one"), "keys_unavailable");
    assert.ok(pulled < 10);
    assert.ok(cancelled);
  });

  it("I7: takes a body of exactly as many bytes as are allowed", async () => {
    const maxBytes = 1_000;
    const scene = new Scene({ maxBytes });
    scene.answer = () => json(jwksOf(one).padEnd(maxBytes));
    assert.equal(await scene.find("one"), "found one");
    scene.answer = () => json(jwksOf(one).padEnd(maxBytes + 1));
    await assert.rejects(scene.cache.refresh(), { reason: "keys_unavailable" });
  });

  it("I7: lets go of a body that it does not read", async () => {
    const scene = new Scene();
    let cancelled = false;
    const cancel = () => {
      cancelled = true;
    };
    scene.answer = () => new Response(new ReadableStream({ cancel }), { status: 500 });
    assert.equal(await scene.find("one"), "keys_unavailable");
    assert.ok(cancelled);
  });

  it("pins keys to the algorithms it is given", async () => {
    const narrow = new Scene({ algorithms: ["EdDSA"] });
    assert.equal(await narrow.find("one"), "keys_unavailable");
    const rsa = aKey("RS256", "rsa");
    for (const [options, alg] of [
      [{}, "RS256"],
      [{ rsaAlgorithm: "PS256" }, "PS256"],
    ] as const) {
      const scene = new Scene(options);
      const { alg: _alg, ...unnamed } = rsa.jwk;
      scene.answer = () => json(JSON.stringify({ keys: [unnamed] }));
      assert.equal(await scene.find("rsa", alg), "found rsa");
      assert.equal(await scene.find("rsa", alg === "RS256" ? "PS256" : "RS256"), "algorithm_mismatch");
    }
  });

  it("I7: takes the good keys from among unknown and bad ones, and says which it left out", async () => {
    const scene = new Scene();
    scene.answer = () => json(JSON.stringify({ keys: [{ kty: "new" }, { ...two.jwk, x: "AA" }, one.jwk] }));
    assert.equal(await scene.find("one"), "found one");
    const [event] = scene.events;
    assert.ok(event?.type === "fetched");
    assert.deepEqual(
      event.refused.map(({ reason }) => reason),
      ["unknown_key_type", "malformed_key"],
    );
  });

  it("I7: asks with the ETag and goes on with the keys after 304", async () => {
    const scene = new Scene();
    scene.answer = () => json(jwksOf(one), { etag: '"v1"' });
    await scene.find("one");
    await scene.clock.advance(11 * minute);
    scene.answer = () => new Response(null, { status: 304 });
    assert.equal(await scene.find("one"), "found one");
    assert.equal(new Headers(scene.requests[1]?.headers).get("if-none-match"), '"v1"');
    await scene.clock.advance(9 * minute);
    assert.equal(await scene.find("one"), "found one");
    assert.equal(scene.fetches, 2);
  });

  it("I8: drops a withdrawn key at the next fetch", async () => {
    const scene = new Scene();
    scene.answer = () => json(jwksOf(one, two));
    assert.equal(await scene.find("two"), "found two");
    scene.answer = () => json(jwksOf(one));
    await scene.clock.advance(9 * minute);
    assert.equal(await scene.find("two"), "found two");
    await scene.clock.advance(minute);
    assert.equal(await scene.find("two"), "unknown_key");
    assert.equal(scene.fetches, 2);
  });

  const lifetimes: readonly (readonly [string, number])[] = [
    ["", 600_000],
    ["public, max-age=120", 120_000],
    ["max-age=1", 30_000],
    ["max-age=999999999", 600_000],
    ["max-age=99999999999999999999", 600_000],
    ["max-age=-5", 600_000],
    ["no-store", 30_000],
    ["no-cache, max-age=300", 30_000],
  ];
  for (const [cacheControl, freshForMs] of lifetimes) {
    it(`keeps keys fresh for ${freshForMs / 1000} s when Cache-Control is "${cacheControl}"`, async () => {
      const scene = new Scene();
      scene.answer = () => json(jwksOf(one), { "cache-control": cacheControl });
      await scene.find("one");
      await scene.clock.advance(freshForMs - 1);
      await scene.find("one");
      assert.equal(scene.fetches, 1);
      await scene.clock.advance(1);
      await scene.find("one");
      assert.equal(scene.fetches, 2);
    });
  }

  it("I2: works for a day without its server, then refuses, then works again", async () => {
    const scene = new Scene();
    await scene.find("one");
    scene.fail();
    for (let i = 0; i < 23; i++) {
      await scene.clock.advance(hour);
      assert.equal(await scene.find("one"), "found one");
    }
    await scene.clock.advance(hour);
    assert.equal(await scene.find("one"), "keys_unavailable", "after a day to the millisecond");
    scene.answer = () => json(jwksOf(one));
    await scene.clock.advance(30_000);
    assert.equal(await scene.find("one"), "found one");
  });

  it("I2: waits for a server that failed last time when the keys are a day old", async () => {
    const scene = new Scene();
    await scene.find("one");
    scene.fail();
    await scene.clock.advance(23 * hour);
    await scene.find("one");
    scene.answer = () => json(jwksOf(one));
    await scene.clock.advance(hour);
    assert.equal(await scene.find("one"), "found one");
  });

  it("does not wait for a server that failed last time", async () => {
    const scene = new Scene();
    await scene.find("one");
    scene.fail();
    await scene.clock.advance(11 * minute);
    await scene.find("one");
    await scene.clock.advance(minute);
    scene.answer = () => new Promise<Response>(() => {});
    assert.equal(await scene.find("one"), "found one");
    assert.equal(scene.fetches, 3);
    scene.cache.close();
  });

  it("I1: tries again soon, then less often, while it never had keys", async () => {
    const scene = new Scene();
    scene.fail();
    for (let second = 0; second < 120; second++) {
      assert.equal(await scene.find("one"), "keys_unavailable");
      await scene.clock.advance(1000);
    }
    assert.equal(scene.fetches, 8, "at 0, 1, 3, 7, 15, 31, 61 and 91 seconds");
  });

  it("gives up on a slow answer, and ignores it when it comes after a newer one", async () => {
    const scene = new Scene();
    const slow = Promise.withResolvers<Response>();
    scene.answer = () => slow.promise;
    const waiting = scene.find("one");
    await scene.clock.advance(5000);
    assert.equal(await waiting, "keys_unavailable");
    assert.equal(scene.requests[0]?.signal?.aborted, true);
    scene.answer = () => json(jwksOf(two));
    await scene.clock.advance(1000);
    assert.equal(await scene.find("two"), "found two");
    slow.resolve(json(jwksOf(one)));
    await scene.clock.advance(1000);
    assert.equal(await scene.find("two"), "found two");
    assert.equal(await scene.find("one"), "unknown_key");
  });

  it("I9: makes one fetch of a clock that jumps, in either direction", async () => {
    const scene = new Scene();
    await scene.find("one");
    await scene.clock.advance(minute);
    scene.clock.jump(hour);
    for (let i = 0; i < 100; i++) await scene.find("one");
    assert.equal(scene.fetches, 2);
    scene.clock.jump(-2 * hour);
    for (let i = 0; i < 100; i++) await scene.find("one");
    assert.equal(scene.fetches, 2);
    await scene.clock.advance(10 * minute);
    await scene.find("one");
    assert.equal(scene.fetches, 3);
  });

  it("I9: does not trust keys over a sleep that only the wall clock saw", async () => {
    const scene = new Scene();
    await scene.find("one");
    scene.clock.jump(25 * hour);
    scene.fail();
    assert.equal(await scene.find("one"), "keys_unavailable");
  });

  it("tells a wrong algorithm from an unknown kid, and does not fetch for it", async () => {
    const scene = new Scene();
    await scene.find("one");
    await scene.clock.advance(minute);
    assert.equal(await scene.find("one", "EdDSA"), "algorithm_mismatch");
    assert.equal(scene.fetches, 1);
  });

  it("refreshes when told to, and says when it cannot", async () => {
    const scene = new Scene();
    await scene.cache.refresh();
    await scene.cache.refresh();
    assert.equal(scene.fetches, 2);
    scene.fail();
    await assert.rejects(scene.cache.refresh(), { reason: "keys_unavailable" });
  });

  it("finds nothing after close, and ends the fetch under way", async () => {
    const scene = new Scene();
    scene.answer = () => new Promise<Response>(() => {});
    const waiting = scene.find("one");
    scene.cache.close();
    assert.equal(scene.requests[0]?.signal?.aborted, true);
    assert.equal(await waiting, "keys_unavailable");
    await scene.clock.advance(minute);
    assert.equal(await scene.find("one"), "keys_unavailable");
    await assert.rejects(scene.cache.refresh(), { reason: "keys_unavailable" });
    assert.equal(scene.fetches, 1, "whether fetch looks at its signal or not");
  });

  it("finds nothing after close, whenever in the fetch it came", async () => {
    for (let turns = 0; turns < 100; turns++) {
      const scene = new Scene();
      const waiting = scene.find("one");
      for (let turn = 0; turn < turns; turn++) await undefined;
      scene.cache.close();
      await waiting;
      assert.equal(await scene.find("one"), "keys_unavailable", `closed after ${turns} turns`);
    }
  });

  it("demands https, plain HTTP on loopback and by name excepted", () => {
    const { clock } = new Scene();
    for (const loopback of [
      "http://localhost:1/",
      "http://127.0.0.1/",
      "http://127.1.2.3/",
      "http://[::1]:8080/jwks",
    ]) {
      new KeyCache(loopback, { clock }).close();
    }
    new KeyCache("http://id.example.com/", { clock, allowPlainHttp: true }).close();
    for (const wrong of [
      "http://id.example.com/",
      "http://127.0.0.1.example.com/",
      "http://localhost.example.com/",
      "file:///etc/passwd",
      "data:application/json,{}",
      "jwks.json",
    ]) {
      assert.throws(() => new KeyCache(wrong, { clock }), TypeError);
    }
    assert.throws(() => new KeyCache("ftp://localhost/", { clock, allowPlainHttp: true }), TypeError);
  });

  for (const [name, observe] of Object.entries({
    throws: () => {
      throw new Error("observed");
    },
    rejects: () => Promise.reject(new Error("observed")),
  }))
    it(`is not led by an observer that ${name}`, async () => {
      const scene = new Scene({ observe });
      await scene.cache.refresh();
      assert.equal(await scene.find("one"), "found one");
      scene.fail();
      // The second fetch is one that nobody waits for: its rejection would end the process.
      for (let i = 0; i < 2; i++) {
        await scene.clock.advance(11 * minute);
        assert.equal(await scene.find("one"), "found one");
      }
      await scene.clock.advance(0);
      assert.equal(scene.fetches, 3);
    });

  const amounts = ["coolDownMs", "maxAgeMs", "maxStaleMs", "missingKeyMs", "timeoutMs", "maxBytes"] as const;
  for (const name of amounts) {
    it(`refuses a ${name} that is no amount, and takes undefined for the default`, async () => {
      for (const wrong of [Number.NaN, -1]) assert.throws(() => new Scene({ [name]: wrong }), RangeError);
      const scene = new Scene({ [name]: undefined });
      for (let i = 0; i < 5; i++) assert.equal(await scene.find("one"), "found one");
      for (let i = 0; i < 5; i++) assert.equal(await scene.find(`k-${i}`), "unknown_key");
      assert.equal(scene.fetches, 1);
    });
  }

  it("works over the platform's fetch, which does not follow the redirect of a real server", async () => {
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url ?? "");
      if (request.url === "/moved") return response.writeHead(302, { location: "/jwks.json" }).end();
      return response.writeHead(200, { "content-type": "application/json" }).end(jwksOf(one));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const at = (path: string) => new KeyCache(`http://127.0.0.1:${address.port}${path}`, { clock: new FakeClock() });
    const [good, moved] = [at("/jwks.json"), at("/moved")];
    try {
      const { key } = await verifyJwt(aToken(one), good, accessTokenRules);
      assert.equal(key.kid, "one");
      await assert.rejects(verifyJwt(aToken(one), moved, accessTokenRules), { reason: "keys_unavailable" });
      assert.deepEqual(paths, ["/jwks.json", "/moved"]);
    } finally {
      good.close();
      moved.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
