import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BiscuitError, type PublicKey } from "@countersign/biscuit";
import {
  attestService,
  attestServiceSync,
  CountersignError,
  delegateIdentity,
  delegateIdentitySync,
  inspectToken,
  isCapabilityRefusal,
  mintAuthorization,
  mintCapability,
  mintContext,
  mintIdentity,
  narrowToken,
  narrowTokenSync,
  type ShownToken,
  verifyAuthorization,
  verifyAuthorizationSync,
  verifyCapabilitySync,
  verifyContextSync,
  verifyIdentitySync,
} from "../../src/capability/index.ts";
import { alice, at, chain, clockAt, keys, publicKey, right, rootKey, T0 } from "./fixtures.ts";

const identity = () => mintIdentity(keys.root, { subject: alice, delegatable: true }, at());
const laptop = { identity: `${alice}:laptop` };

describe("arguments that plain JavaScript lets through", () => {
  it("are no refusal of a token", async () => {
    const token = (await identity()).toBytes();
    const wrong: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["no subject", () => verifyAuthorization(token, { ...right, subject: undefined as never }, at())],
      ["a key as text", () => inspectToken(token, { rootKey: "ed25519/00" as never })],
      ["a promise as a token", () => inspectToken(identity() as never, { rootKey })],
      ["no token", () => inspectToken(undefined as never, { rootKey })],
    ];
    for (const [name, call] of wrong) {
      await assert.rejects(call, (error) => !(error instanceof CountersignError), name);
    }
  });

  it("do not make any subject of one that was left out", async () => {
    const token = (await mintAuthorization(keys.root, right, at())).toBytes();
    const request = { ...right, subject: undefined as never };
    const expected = { name: "TypeError", message: /pass anySubject/ };
    await assert.rejects(verifyAuthorization(token, request, at()), expected);
    assert.throws(() => verifyAuthorizationSync(token, request, at()), expected);
  });

  it("leave no lifetime out of bounds", async () => {
    for (const lifetimeMs of [0, -1000, 1500, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 63]) {
      await assert.rejects(mintIdentity(keys.root, { subject: alice }, { ...at(), lifetimeMs }), RangeError);
    }
    const startAt = Number.NaN;
    await assert.rejects(mintIdentity(keys.root, { subject: alice }, { ...at(), startAt }), RangeError);
  });

  it("let no token pass a clock that is broken", async () => {
    const token = (await mintAuthorization(keys.root, right, at())).toBytes();
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const clock = { now: () => now };
      await assert.rejects(verifyAuthorization(token, right, { rootKey, clock }), BiscuitError);
    }
  });
});

describe("a clock that steps", () => {
  it("judges each time anew", async () => {
    const token = (await mintAuthorization(keys.root, right, { ...at(), startAt: (T0 + 3600) * 1000 })).toBytes();
    const holds = (seconds: number): boolean => {
      try {
        return verifyAuthorizationSync(token, right, at(seconds)).expiresAt === (T0 + 3900) * 1000;
      } catch (error) {
        assert.ok(isCapabilityRefusal(error, "token_expired"));
        return false;
      }
    };
    // The start of a lifetime is no "not before", as in the crates.
    assert.deepEqual([T0, T0 + 3899, T0 + 3900, T0 + 3899, 0].map(holds), [true, true, false, true, true]);
  });
});

describe("the forms that end in Sync", () => {
  it("make and judge the same tokens", async () => {
    const token = (await identity()).toBytes();
    const delegated = delegateIdentitySync(token, laptop, at());
    const narrowed = narrowTokenSync(delegated.toBytes(), at());
    assert.equal(verifyIdentitySync(narrowed.toBytes(), laptop, at()).expiresAt, (T0 + 5) * 1000);
    const served = await mintAuthorization(keys.root, { ...right, serviceChain: chain }, at());
    const attested = attestServiceSync(served.toBytes(), { service: "invoices", key: keys.gateway }, { rootKey });
    const serviceChain = { nodes: chain, component: "orders" };
    assert.equal(verifyAuthorizationSync(attested.toBytes(), { ...right, serviceChain }, at()).subject, alice);
    verifyCapabilitySync((await mintCapability(keys.root, right, at())).toBytes(), right, at());
    verifyContextSync((await mintContext(keys.root, { subject: alice }, at())).toBytes(), {}, at());
  });

  it("refuse the same", async () => {
    const token = (await identity()).toBytes();
    const sealed = (await (await identity()).seal()).toBytes();
    const pairs: readonly (readonly [() => unknown, () => Promise<unknown>])[] = [
      [
        () => delegateIdentitySync(token, { identity: "x" }, at()),
        () => delegateIdentity(token, { identity: "x" }, at()),
      ],
      [() => narrowTokenSync(sealed, at()), () => narrowToken(sealed, at())],
      [() => narrowTokenSync("+", at()), () => narrowToken("+", at())],
      [
        () => attestServiceSync(token, { service: "", key: keys.gateway }, { rootKey }),
        () => attestService(token, { service: "", key: keys.gateway }, { rootKey }),
      ],
      [() => verifyAuthorizationSync(token, right, at()), () => verifyAuthorization(token, right, at())],
    ];
    for (const [now, later] of pairs) {
      const refused = await later().then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.ok(refused instanceof CountersignError);
      assert.throws(now, { code: refused.code, detail: refused.detail });
    }
  });
});

describe("root keys by their ids", () => {
  it("are chosen for the token", async () => {
    const token = await mintIdentity(keys.otherRoot, { subject: alice }, { ...at(), rootKeyId: 7 });
    const ring = new Map<number | undefined, PublicKey>([
      [6, rootKey],
      [7, publicKey("otherRoot")],
    ]);
    const options = { rootKey: (id: number | undefined) => ring.get(id), clock: clockAt(T0) };
    const shown: ShownToken = token.toBytes();
    assert.equal(verifyIdentitySync(shown, { identity: alice }, options).actor, alice);
    ring.delete(7);
    assert.throws(() => verifyIdentitySync(shown, { identity: alice }, options), { code: "unknown_root_key" });
  });
});
