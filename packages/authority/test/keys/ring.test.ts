import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Worker } from "node:worker_threads";
import { CountersignError } from "@countersign/protocol";
import { parseConfig } from "../../src/config.ts";
import { algorithmNames, algorithms } from "../../src/keys/algorithms.ts";
import { createKeyEncryptionKey } from "../../src/keys/key-encryption-key.ts";
import type { ManagedKeyRing } from "../../src/keys/ring.ts";
import type { KeyRow, RingRecord } from "../../src/keys/ring-record.ts";
import { acceptPrivateKey } from "../../src/keys/signing-key.ts";
import type { KeyChange } from "../../src/keys/signing-worker.ts";
import { keys } from "../../src/store/keys.ts";
import type { Store } from "../../src/store/store.ts";
import { aPlace, bind, day, happened, hour, is, openTestRing, trailOn } from "./harness.ts";

const minute = 60_000;

describe("createKeyRing", () => {
  it("makes an ES256 key at the first start and finds it at the second", async () => {
    const place = aPlace();
    const first = await openTestRing(place);
    const { kid } = await first.ring.signer("ES256");
    const derived = first.ring.derive("refresh", "token");
    await first.ring.close();

    const second = await openTestRing(place, { seed: "other" });
    assert.equal((await second.ring.signer("ES256")).kid, kid);
    assert.equal(second.ring.derive("refresh", "token"), derived);
    assert.deepEqual(
      second.ring.list().map(({ algorithm, state }) => [algorithm, state]),
      [["ES256", "active"]],
    );
    assert.deepEqual(second.trail, []);
    await second.ring.close();
  });

  it("makes a key of the configured algorithm as well", async () => {
    const config = parseConfig({
      issuer: "https://id.example.com",
      tokens: { algorithm: "EdDSA" },
      keys: { algorithms: [] },
    });
    const { ring } = await openTestRing(aPlace(), { config });
    assert.deepEqual(
      ring.list().map(({ algorithm }) => algorithm),
      ["ES256", "EdDSA"],
    );
    await ring.close();
  });

  it("stores no private key in the clear", async () => {
    const place = aPlace();
    const { ring } = await openTestRing(place);
    const key = acceptPrivateKey(await algorithms.ES256.generate());
    await ring.import(key, "admin");
    const text = JSON.stringify(await place.store.get(keys.ring()));
    const { d = "" } = key.privateKey.export({ format: "jwk" });
    const pkcs8 = key.privateKey.export({ format: "der", type: "pkcs8" });
    for (const secret of [d, pkcs8.toString("base64url"), Buffer.from(d, "base64url").toString("hex")]) {
      assert.ok(!text.includes(secret));
    }
    await ring.close();
  });

  it("lets one of several nodes win the first start, and all sign with its key", async () => {
    const place = aPlace();
    const nodes = await Promise.all(["a", "b", "c", "d"].map((seed) => openTestRing(place, { seed })));
    const signers = await Promise.all(nodes.map(({ ring }) => ring.signer("ES256")));
    assert.equal(new Set(signers.map(({ kid }) => kid)).size, 1);
    assert.equal(new Set(nodes.map(({ ring }) => ring.derive("refresh", "token"))).size, 1);
    assert.equal(happened(nodes.flatMap(({ trail }) => trail)).length, 1);
    await Promise.all(nodes.map(({ ring }) => ring.close()));
  });
});

describe("createKeyRing refuses to start (F5)", () => {
  const rows: readonly { id: string; change: (record: RingRecord) => unknown; expect: RegExp }[] = [
    { id: "two rows swapped", change: swapSealed, expect: /was changed, or moved here/ },
    {
      id: "a row relabelled for another algorithm",
      change: (record) => editRow(record, { algorithm: "PS256" }),
      expect: /was changed, or moved here/,
    },
    {
      id: "a row renamed",
      change: (record) => editRow(record, { kid: "other" }),
      expect: /was changed, or moved here/,
    },
    {
      id: "a key in place of the derivation secret",
      change: (record) => ({ ...record, derivation: record.keys[0]?.sealed }),
      expect: /was changed, or moved here/,
    },
    { id: "an unknown format", change: (record) => ({ ...record, format: 2 }), expect: /Cannot read the key ring/ },
    { id: "an unknown member", change: (record) => ({ ...record, more: [] }), expect: /Cannot read the key ring/ },
    { id: "no object", change: () => "ring", expect: /Cannot read the key ring/ },
  ];
  for (const { id, change, expect } of rows) {
    it(`on ${id}`, async () => {
      const place = aPlace();
      const { ring } = await openTestRing(place);
      await ring.announce("EdDSA");
      await ring.close();
      const item = await place.store.get<RingRecord>(keys.ring());
      assert.ok(item);
      await place.store.swap(keys.ring(), item.version, { value: change(item.value) });
      await assert.rejects(openTestRing(place), expect);
    });
  }

  it("and says so on a running node when the ring was removed", async () => {
    const place = aPlace();
    const { ring } = await openTestRing(place);
    await place.store.take(keys.ring());
    await assert.rejects(ring.reload(), /Cannot find the key ring in the store: .* restore a backup/);
    await ring.close();
  });

  it("under another key-encryption key", async () => {
    const place = aPlace();
    const { ring } = await openTestRing(place);
    await ring.close();
    const other = createKeyEncryptionKey(Buffer.from("another key-encryption key, 32 B"));
    await assert.rejects(openTestRing(place, { keyEncryptionKey: other }), /sealed under key-encryption key/);
  });

  const changes = [
    { id: "two rows swapped", change: swapSealed },
    { id: "a row relabelled", change: (record: RingRecord) => editRow(record, { algorithm: "PS256" }) },
  ];
  for (const { id, change } of changes) {
    it(`and a running node keeps what it has and becomes not ready: ${id}`, async () => {
      const place = aPlace();
      const { ring } = await openTestRing(place);
      await ring.announce("EdDSA");
      const before = ring.published("jwks").body;
      const item = await place.store.get<RingRecord>(keys.ring());
      assert.ok(item);
      await place.store.swap(keys.ring(), item.version, { value: change(item.value) });
      await assert.rejects(ring.reload(), /was changed/);
      await place.clock.advance(4 * minute);
      assert.equal(ring.published("jwks").body, before);
      assert.equal(ring.readiness().ready, false);
      await assert.rejects(ring.signer("ES256"), /was changed/);
      await ring.close();
    });
  }
});

function swapSealed(record: RingRecord): RingRecord {
  const [first, second] = record.keys;
  assert.ok(first && second);
  return {
    ...record,
    keys: [
      { ...first, sealed: second.sealed },
      { ...second, sealed: first.sealed },
    ],
  };
}

function editRow(record: RingRecord, change: Partial<KeyRow>): RingRecord {
  return { ...record, keys: record.keys.map((row, place) => (place === 0 ? { ...row, ...change } : row)) };
}

describe("createKeyRing after a crash", () => {
  /** A store whose process dies at its nth write, before or after the write took effect. */
  function dyingStore(store: Store, dieAt: number, when: "before" | "after"): Store {
    let writes = 0;
    const dying = async <Result>(write: () => Promise<Result>): Promise<Result> => {
      const dies = ++writes === dieAt;
      if (dies && when === "before") throw new Error("the process died");
      const written = await write();
      if (dies) throw new Error("the process died");
      return written;
    };
    return {
      get: (key) => store.get(key),
      commit: (changes, options) => dying(() => store.commit(changes, options)),
      take: (key, version) => store.take(key, version),
      list: (owner, page) => store.list(owner, page),
      close: () => store.close(),
      swap: (key, version, draft) => dying(() => store.swap(key, version, draft)),
    };
  }

  for (const when of ["before", "after"] as const) {
    for (const dieAt of [1, 2]) {
      it(`works when the first start died ${when} write ${dieAt}`, async () => {
        const { clock, store } = aPlace();
        await assert.rejects(openTestRing({ clock, store: dyingStore(store, dieAt, when) }), /the process died/);
        const { ring } = await openTestRing({ clock, store }, { seed: "restart" });
        assert.deepEqual(
          ring.list().map(({ state }) => state),
          ["active"],
        );
        assert.ok((await (await ring.signer("ES256")).sign("input")).length > 0);
        await ring.close();
      });
    }

    for (const [id, command] of [
      ["a rotation", (ring) => ring.rotate("ES256", "admin")],
      ["an emergency rotation", (ring) => ring.rotate("ES256", "admin", { now: true })],
      ["a revocation", async (ring) => ring.revoke((await ring.signer("ES256")).kid, "admin")],
    ] as readonly [string, (ring: Awaited<ReturnType<typeof openTestRing>>["ring"]) => Promise<unknown>][]) {
      it(`works when the process died ${when} the write of ${id}`, async () => {
        const { clock, store } = aPlace();
        const first = await openTestRing({ clock, store: dyingStore(store, 3, when) });
        const derived = first.ring.derive("refresh", "token");
        await assert.rejects(command(first.ring), /the process died/);
        await first.ring.close();
        const { ring } = await openTestRing({ clock, store }, { seed: "restart" });
        assert.equal(ring.list().filter(({ state }) => state === "active").length, 1);
        assert.equal(ring.derive("refresh", "token"), derived);
        assert.ok((await (await ring.signer("ES256")).sign("input")).length > 0);
        await ring.close();
      });
    }
  }
});

describe("ManagedKeyRing.signer", () => {
  it("publishes a key on first demand, once for all who wait, and signs when no cache lacks it", async () => {
    const place = aPlace();
    const { ring, trail } = await openTestRing(place);
    for (const algorithm of algorithmNames.filter((name) => name !== "ES256")) {
      for (const round of [1, 2]) {
        const asked = await Promise.allSettled(Array.from({ length: 5 }, () => ring.signer(algorithm)));
        for (const one of asked) {
          assert.ok(one.status === "rejected", `round ${round}`);
          assert.equal(one.reason.code, "temporarily_unavailable");
          assert.equal(one.reason.retryAfterMs, 19 * minute);
          assert.match(one.reason.detail, /signs from 20.*Z/);
        }
      }
      const [key, ...more] = ring.list().filter((one) => one.algorithm === algorithm);
      assert.deepEqual([key?.state, more], ["next", []]);
      const set = algorithm === "ML-DSA-65" ? "pqc" : "jwks";
      assert.ok(ring.published(set).keys.some(({ kid }) => kid === key?.kid));
    }
    assert.equal(trail.length, algorithmNames.length);
    assert.deepEqual(ring.readiness(), { ready: true });
    await place.clock.advance(19 * minute);
    const signers = await Promise.all(algorithmNames.map((name) => ring.signer(name)));
    assert.deepEqual(
      signers.map(({ kid }) => kid),
      ring.list().map(({ kid }) => kid),
    );
    assert.equal(trail.length, algorithmNames.length);
    await ring.close();
  });

  it("is ready at the first start for every configured algorithm, and not for one configured later", async () => {
    const place = aPlace();
    const issuer = "https://id.example.com";
    const first = await openTestRing(place, { config: parseConfig({ issuer, keys: { algorithms: ["RS256"] } }) });
    await first.ring.signer("RS256");
    await first.ring.close();
    const changed = parseConfig({ issuer, tokens: { algorithm: "EdDSA" }, keys: { algorithms: ["RS256"] } });
    const { ring } = await openTestRing(place, { config: changed });
    const readiness = ring.readiness();
    assert.ok(!readiness.ready);
    assert.match(readiness.because, /first key for EdDSA signs from/);
    await assert.rejects(ring.signer("EdDSA"), is("temporarily_unavailable"));
    await place.clock.advance(19 * minute);
    assert.deepEqual(ring.readiness(), { ready: true });
    await ring.signer("EdDSA");
    await ring.close();
  });

  it("touches no store and makes nothing new on the hot path", async () => {
    const { clock, store } = aPlace();
    let calls = 0;
    const counting: Store = {
      ...bind(store),
      get: (key) => {
        calls++;
        return store.get(key);
      },
    };
    const { ring } = await openTestRing({ clock, store: counting });
    const first = await ring.signer("ES256");
    calls = 0;
    for (let round = 0; round < 100; round++) assert.equal(await ring.signer("ES256"), first);
    assert.equal(calls, 0);
    await ring.close();
  });

  it("reads the ring again after a pause, before it signs (F3)", async () => {
    const place = aPlace();
    const paused = await openTestRing(place);
    const other = await openTestRing(place);
    const before = await paused.ring.signer("ES256");
    await other.ring.revoke(before.kid, "admin");
    place.clock.jump(hour);
    await assert.rejects(before.sign("input"), is("temporarily_unavailable"));
    const after = await paused.ring.signer("ES256");
    assert.equal(after.kid, (await other.ring.signer("ES256")).kid);
    assert.notEqual(after.kid, before.kid);
    await Promise.all([paused.ring.close(), other.ring.close()]);
  });

  it("refuses to sign and is not ready while the store does not answer (F3)", async () => {
    const { clock, store } = aPlace();
    let down = false;
    const flaky: Store = {
      ...bind(store),
      get: async (key) => {
        if (down) throw new CountersignError("temporarily_unavailable", { detail: "The store is down" });
        return store.get(key);
      },
    };
    const { ring } = await openTestRing({ clock, store: flaky });
    const kept = await ring.signer("ES256");
    down = true;
    await clock.advance(2 * minute);
    assert.deepEqual(ring.readiness(), { ready: true });
    await clock.advance(2 * minute);
    assert.equal(ring.readiness().ready, false);
    await assert.rejects(ring.signer("ES256"), is("temporarily_unavailable"));
    await assert.rejects(kept.sign("input"), is("temporarily_unavailable"));
    assert.equal(ring.published("jwks").keys.length, 1);
    down = false;
    await clock.advance(minute);
    assert.deepEqual(ring.readiness(), { ready: true });
    assert.equal((await ring.signer("ES256")).kid, kept.kid);
    await ring.close();
  });
});

describe("ManagedKeyRing.published (F1)", () => {
  it("holds RSA, EC and Ed25519 keys in one set and ML-DSA in another, all without private members", async () => {
    const config = parseConfig({ issuer: "https://id.example.com" });
    const { ring } = await openTestRing(aPlace(), { config });
    await ring.rotate("ES256", "admin");
    await ring.import(acceptPrivateKey(await algorithms.EdDSA.generate()), "admin");
    const jwks = ring.published("jwks");
    assert.deepEqual(
      jwks.keys.map(({ alg }) => alg),
      ["ES256", "ES256", "EdDSA", "EdDSA", "RS256", "PS256"],
    );
    assert.deepEqual(
      ring.published("pqc").keys.map(({ kty, alg }) => [kty, alg]),
      [["AKP", "ML-DSA-65"]],
    );
    for (const set of ["jwks", "pqc"] as const) {
      const published = ring.published(set);
      assert.deepEqual(JSON.parse(published.body), { keys: published.keys });
      for (const key of published.keys) {
        for (const member of ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"]) assert.ok(!(member in key), member);
        assert.ok(key.kid && key.alg && key.use === "sig");
      }
    }
    await ring.close();
  });

  it("is the same object until something changes, with an ETag that follows the body", async () => {
    const { ring } = await openTestRing(aPlace());
    const before = ring.published("jwks");
    await ring.reload();
    assert.equal(ring.published("jwks"), before);
    assert.match(before.etag, /^"[A-Za-z0-9_-]{43}"$/);
    await ring.rotate("ES256", "admin");
    assert.notEqual(ring.published("jwks").etag, before.etag);
    await ring.close();
  });

  it("names the signing key first, before and after a rotation", async () => {
    const place = aPlace();
    const { ring } = await openTestRing(place);
    await ring.rotate("ES256", "admin");
    const first = () => ring.published("jwks").keys[0]?.kid;
    const before = (await ring.signer("ES256")).kid;
    assert.equal(first(), before);
    await place.clock.advance(day);
    assert.equal(first(), (await ring.signer("ES256")).kid);
    assert.notEqual(first(), before);
    await ring.close();
  });
});

describe("ManagedKeyRing on its timetable", () => {
  it("announces a successor a day before it signs, and erases the old key after the last token", async () => {
    const place = aPlace();
    const { ring, trail } = await openTestRing(place, { reloadEveryMs: 10 * minute });
    const states = () => ring.list().map(({ state }) => state);
    const { kid } = await ring.signer("ES256");
    await place.clock.advance(29 * day - minute);
    assert.deepEqual(states(), ["active"]);
    await place.clock.advance(minute);
    assert.deepEqual(states(), ["active", "next"]);
    assert.equal(ring.published("jwks").keys.length, 2);
    await place.clock.advance(day + hour);
    assert.deepEqual(states(), ["retired", "active"]);
    assert.notEqual((await ring.signer("ES256")).kid, kid);
    await place.clock.advance(2 * day);
    assert.deepEqual(states(), ["active"]);
    assert.deepEqual(
      trail.map(({ name }) => name),
      ["key.rotated", "key.rotated", "key.erased"],
    );
    await ring.close();
  });

  it("turns once for any number of nodes", async () => {
    const place = aPlace();
    const nodes = await Promise.all(
      ["a", "b", "c"].map((seed) => openTestRing(place, { seed, reloadEveryMs: 10 * minute })),
    );
    await place.clock.advance(30 * day);
    const lists = nodes.map(({ ring }) => JSON.stringify(ring.list()));
    assert.equal(new Set(lists).size, 1);
    assert.equal(nodes[0]?.ring.list().length, 2);
    assert.equal(happened(nodes.flatMap(({ trail }) => trail)).length, 2);
    await Promise.all(nodes.map(({ ring }) => ring.close()));
  });

  it("stops when it is closed", async () => {
    const place = aPlace();
    const { ring } = await openTestRing(place, { reloadEveryMs: 10 * minute });
    await ring.close();
    const before = await place.store.get(keys.ring());
    await place.clock.advance(40 * day);
    assert.deepEqual(await place.store.get(keys.ring()), before);
  });
});

describe("ManagedKeyRing commands", () => {
  it("rotate announces, and is the same done twice", async () => {
    const { ring, trail } = await openTestRing(aPlace());
    const first = await ring.rotate("ES256", "admin");
    const second = await ring.rotate("ES256", "admin");
    assert.equal(first.state, "next");
    assert.equal(second.kid, first.kid);
    assert.deepEqual(trail.at(-1), {
      name: "key.rotated",
      fields: { kid: first.kid, algorithm: "ES256", actor: "admin" },
    });
    assert.equal(trail.length, 2);
    await ring.close();
  });

  it("rotate with now signs with the new key at once and keeps the old one published", async () => {
    const { ring } = await openTestRing(aPlace());
    const before = await ring.signer("ES256");
    const made = await ring.rotate("ES256", "admin", { now: true });
    assert.equal(made.state, "active");
    assert.equal((await ring.signer("ES256")).kid, made.kid);
    assert.ok(ring.published("jwks").keys.some(({ kid }) => kid === before.kid));
    await ring.close();
  });

  it("rotate on two nodes at once leaves one successor", async () => {
    const place = aPlace();
    const nodes = [await openTestRing(place), await openTestRing(place, { seed: "b" })];
    const made = await Promise.all(nodes.map(({ ring }) => ring.rotate("ES256", "admin")));
    assert.equal(new Set(made.map(({ kid }) => kid)).size, 1);
    await Promise.all(nodes.map(({ ring }) => ring.close()));
  });

  it("records nothing of what did not happen, because another node was faster", async () => {
    const place = aPlace();
    const nodes = [await openTestRing(place), await openTestRing(place, { seed: "b" })];
    await Promise.all(nodes.map(({ ring }) => ring.rotate("ES256", "admin")));
    const trail = nodes.flatMap((node) => node.trail);
    assert.deepEqual(
      happened(trail),
      nodes[0]?.ring.list().map(({ kid }) => kid),
    );
    await Promise.all(nodes.map(({ ring }) => ring.close()));
  });

  it("rotate and import refuse to fill the ring without end", async () => {
    const { ring } = await openTestRing(aPlace());
    await assert.rejects(async () => {
      for (let round = 0; round < 100; round++) await ring.rotate("ES256", "admin", { now: true });
    }, is("conflict"));
    assert.equal(ring.list().length, 24);
    const another = acceptPrivateKey(await algorithms.ES256.generate());
    await assert.rejects(ring.import(another, "admin", { now: true }), is("conflict"));
    assert.equal(ring.list().length, 24);
    await ring.close();
  });

  it("rotate says when there is room again, then has it, and drops no key that may verify before", async () => {
    const place = aPlace();
    // No timer in the way: what is due is erased by the command itself.
    const { ring } = await openTestRing(place, { reloadEveryMs: 2 * day });
    const signedUntil = new Map<string, number>();
    let refusal: unknown;
    for (let round = 0; round < 100 && refusal === undefined; round++) {
      signedUntil.set((await ring.signer("ES256")).kid, place.clock.now());
      await place.clock.advance(minute);
      refusal = await ring.rotate("ES256", "admin", { now: true }).catch((error: unknown) => error);
      if (refusal instanceof CountersignError) break;
      refusal = undefined;
    }
    assert.ok(refusal instanceof CountersignError);
    assert.equal(refusal.code, "conflict");
    const until = refusal.retryAfterMs ?? 0;
    assert.ok(refusal.message.includes(new Date(place.clock.now() + until).toISOString()), refusal.message);
    await place.clock.advance(until - 1);
    await assert.rejects(ring.rotate("ES256", "admin", { now: true }), is("conflict"));
    await place.clock.advance(1);
    await ring.rotate("ES256", "admin", { now: true });
    const published = ring.published("jwks").keys.map(({ kid }) => kid);
    for (const [kid, at] of signedUntil) {
      assert.ok(published.includes(kid) || place.clock.now() > at + day + minute, kid);
    }
    await ring.close();
  });

  it("revoke takes the signing key out of the set at once, and everywhere at the next reading (F6)", async () => {
    const place = aPlace();
    const here = await openTestRing(place);
    const there = await openTestRing(place, { seed: "b" });
    const { kid } = await here.ring.signer("ES256");
    await here.ring.revoke(kid, "admin");
    const kids = (ring: typeof here.ring) => ring.published("jwks").keys.map((key) => key.kid);
    assert.ok(!kids(here.ring).includes(kid));
    assert.notEqual((await here.ring.signer("ES256")).kid, kid);
    await place.clock.advance(minute);
    assert.deepEqual(kids(there.ring), kids(here.ring));
    assert.ok(here.trail.some(({ name, fields }) => name === "key.erased" && "kid" in fields && fields.kid === kid));
    await Promise.all([here.ring.close(), there.ring.close()]);
  });

  it("revoke lets the announced key take over, as verifiers know it", async () => {
    const { ring } = await openTestRing(aPlace());
    const { kid } = await ring.rotate("ES256", "admin");
    await ring.revoke((await ring.signer("ES256")).kid, "admin");
    assert.equal((await ring.signer("ES256")).kid, kid);
    await ring.close();
  });

  it("import announces the key in place of another, signs with it in time, and lists where it came from", async () => {
    const place = aPlace();
    const { ring, trail } = await openTestRing(place, { reloadEveryMs: 10 * minute });
    const announced = await ring.rotate("ES256", "admin");
    const key = acceptPrivateKey(await algorithms.ES256.generate());
    const { state, origin, kid } = await ring.import(key, "admin");
    assert.deepEqual({ state, origin, kid }, { state: "next", origin: "imported", kid: key.kid });
    assert.ok(!ring.list().some((other) => other.kid === announced.kid));
    assert.deepEqual(
      trail.slice(-2).map(({ name }) => name),
      ["key.imported", "key.erased"],
    );
    await place.clock.advance(day);
    assert.equal((await ring.signer("ES256")).kid, key.kid);
    await ring.close();
  });

  it("import with now signs at once", async () => {
    const { ring } = await openTestRing(aPlace());
    const key = acceptPrivateKey(await algorithms.RS256.generate(), "PS256");
    await ring.import(key, "admin", { now: true });
    assert.equal((await ring.signer("PS256")).kid, key.kid);
    await ring.close();
  });

  it("import refuses a key that the ring holds", async () => {
    const { ring } = await openTestRing(aPlace());
    const key = acceptPrivateKey(await algorithms.ES256.generate());
    await ring.import(key, "admin");
    await assert.rejects(ring.import(key, "admin"), is("already_exists"));
    await ring.close();
  });

  it("erase removes a retired key and refuses any other", async () => {
    const { ring } = await openTestRing(aPlace());
    const { kid } = await ring.signer("ES256");
    await assert.rejects(ring.erase(kid, "admin"), is("conflict"));
    const next = await ring.rotate("ES256", "admin");
    await assert.rejects(ring.erase(next.kid, "admin"), is("conflict"));
    await ring.rotate("ES256", "admin", { now: true });
    await ring.erase(kid, "admin");
    assert.ok(!ring.published("jwks").keys.some((key) => key.kid === kid));
    await ring.close();
  });

  for (const command of ["erase", "revoke"] as const) {
    it(`${command} takes the key from the signing thread`, async (context) => {
      const forgotten: number[] = [];
      const listen = (worker: Worker) => {
        const post = worker.postMessage.bind(worker);
        worker.postMessage = (message: string | KeyChange) => {
          if (typeof message === "object") forgotten.push(...(message.forgotten ?? []));
          post(message);
        };
      };
      process.on("worker", listen);
      context.after(() => process.off("worker", listen));
      const { ring } = await openTestRing(aPlace(), { signing: "thread" });
      const first = await ring.signer("ES256");
      await first.sign("input");
      await ring.rotate("ES256", "admin", { now: true });
      await (await ring.signer("ES256")).sign("input");
      assert.deepEqual(forgotten, []);
      await ring[command](first.kid, "admin");
      assert.deepEqual(forgotten, [0]);
      assert.notEqual(await (await ring.signer("ES256")).sign("input"), "");
      await ring.close();
    });
  }

  it("erase and revoke know no other key", async () => {
    const { ring } = await openTestRing(aPlace());
    for (const kid of ["", "unknown", "__proto__", "../../etc/passwd"]) {
      await assert.rejects(ring.erase(kid, "admin"), is("not_found"));
      await assert.rejects(ring.revoke(kid, "admin"), is("not_found"));
    }
    await ring.close();
  });
});

describe("ManagedKeyRing.derive", () => {
  it("depends on the input and on the ring", async () => {
    const first = await openTestRing(aPlace());
    const second = await openTestRing(aPlace(), { seed: "b" });
    assert.match(first.ring.derive("refresh", "a"), /^[A-Za-z0-9_-]{43}$/);
    assert.equal(first.ring.derive("refresh", "a"), first.ring.derive("refresh", "a"));
    assert.notEqual(first.ring.derive("refresh", "a"), first.ring.derive("refresh", "b"));
    assert.notEqual(first.ring.derive("refresh", "a"), second.ring.derive("refresh", "a"));
    await Promise.all([first.ring.close(), second.ring.close()]);
  });
});

describe("A change of the ring that cannot be recorded", () => {
  const rows: readonly { id: string; change: (ring: ManagedKeyRing, kids: readonly string[]) => Promise<unknown> }[] = [
    { id: "rotate", change: (ring) => ring.rotate("ES256", "admin") },
    { id: "rotate with now", change: (ring) => ring.rotate("ES256", "admin", { now: true }) },
    {
      id: "import",
      change: async (ring) => ring.import(acceptPrivateKey(await algorithms.ES256.generate()), "admin"),
    },
    { id: "revoke", change: (ring, [, signing = ""]) => ring.revoke(signing, "admin") },
    { id: "erase", change: (ring, [retired = ""]) => ring.erase(retired, "admin") },
    { id: "the first key of an algorithm", change: (ring) => ring.announce("EdDSA") },
  ];
  for (const { id, change } of rows) {
    it(`does not happen: ${id}`, async () => {
      const place = aPlace();
      let fails = false;
      const { ring } = await openTestRing(place, {
        audit: {
          commit: async (changes, events) => {
            if (fails) throw new CountersignError("temporarily_unavailable");
            return trailOn(place.store, []).commit(changes, events);
          },
        },
      });
      await ring.rotate("ES256", "admin", { now: true });
      const kids = ring.list().map(({ kid }) => kid);
      const before = await place.store.get(keys.ring());
      fails = true;
      await assert.rejects(change(ring, kids), is("temporarily_unavailable"));
      assert.deepEqual(await place.store.get(keys.ring()), before);
      fails = false;
      await change(ring, kids);
      assert.notDeepEqual(await place.store.get(keys.ring()), before);
      await ring.close();
    });
  }
});
