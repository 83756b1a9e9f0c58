import assert from "node:assert/strict";
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { describe, it } from "node:test";
import type { Clock } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { parseConfig } from "../../src/config.ts";
import type { ManagedKeyRing } from "../../src/keys/ring.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { openTestRing } from "./harness.ts";

const minute = 60_000;
const maxAgeMs = 15 * minute;
const config = parseConfig({
  issuer: "https://id.example.com",
  keys: { publish_before: 0, jwks_max_age: maxAgeMs / 1000 },
});

interface Token {
  readonly kid: string;
  readonly input: string;
  readonly signature: Buffer;
  readonly expiresAt: number;
}

/** A verifier that keeps the set it fetched for as long as it may, and never asks again for an unknown kid. */
class CachingVerifier {
  readonly #clock: Clock;
  #keys = new Map<string | undefined, KeyObject>();
  #fetchedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  accepts(token: Token, ring: ManagedKeyRing): boolean {
    if (this.#clock.now() - this.#fetchedAt >= maxAgeMs) this.#fetch(ring);
    const key = this.#keys.get(token.kid);
    if (key === undefined) return false;
    return verify("sha256", Buffer.from(token.input), { key, dsaEncoding: "ieee-p1363" }, token.signature);
  }

  #fetch(ring: ManagedKeyRing): void {
    const keys = ring.published("jwks").keys;
    this.#keys = new Map(keys.map((jwk) => [jwk.kid, createPublicKey({ key: { ...jwk }, format: "jwk" })]));
    this.#fetchedAt = this.#clock.now();
  }
}

function skewed(clock: FakeClock, byMs: number): Clock {
  return {
    now: () => clock.now() + byMs,
    monotonic: () => clock.monotonic(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}

describe("a hundred rotations on three nodes (F2)", () => {
  it("leave no token that a caching verifier cannot verify", async () => {
    const clock = new FakeClock();
    const store = createMemoryStore({ clock });
    const options = { config, reloadEveryMs: 4 * minute };
    const nodes: ManagedKeyRing[] = [];
    for (const [seed, byMs] of [
      ["a", 0],
      ["b", 25_000],
      ["c", -25_000],
    ] as const) {
      nodes.push((await openTestRing({ store, clock: skewed(clock, byMs) }, { ...options, seed })).ring);
    }
    const verifiers = nodes.map(() => new CachingVerifier(clock));
    const kids = new Set<string>();
    let tokens: Token[] = [];
    let judged = 0;
    const steps = 500;
    for (let step = 0; step < steps; step++) {
      if (step % 5 === 0) await nodes[(step / 5) % nodes.length]?.rotate("ES256", "admin");
      for (const [place, node] of nodes.entries()) {
        const { kid, sign } = await node.signer("ES256");
        const input = `${step}.${place}`;
        const signature = Buffer.from(await sign(input), "base64url");
        tokens.push({ kid, input, signature, expiresAt: clock.now() + 30 * minute });
        kids.add(kid);
      }
      tokens = tokens.filter((token) => clock.now() < token.expiresAt);
      for (const [place, verifier] of verifiers.entries()) {
        const node = nodes[(step + place) % nodes.length];
        for (const token of tokens) {
          assert.ok(node && verifier.accepts(token, node), `token ${token.input} at step ${step}`);
          judged++;
        }
      }
      await clock.advance(18 * minute);
    }
    assert.ok(kids.size > 95, `${kids.size} keys signed`);
    assert.ok(judged > 8_000, `${judged} verifications`);
    await Promise.all(nodes.map((node) => node.close()));
  });
});
