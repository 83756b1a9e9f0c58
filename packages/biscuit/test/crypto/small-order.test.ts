import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import vectors from "../../../../vectors/ed25519/points.json" with { type: "json" };
import { PublicKey } from "../../src/crypto/keys.ts";
import { isEd25519Signature, isSafeEncoding, isSmallOrder } from "../../src/crypto/small-order.ts";
import { bytes, hex, MESSAGE, NAMES, provider, seedBytes } from "./providers.ts";

const { Point } = ed25519;
const P = 2n ** 255n - 19n;
const L = Point.Fn.ORDER;
type CurvePoint = InstanceType<typeof Point>;

function littleEndian(value: bigint): Uint8Array {
  return bytes(value.toString(16).padStart(64, "0")).reverse();
}

function fromLittleEndian(encoding: Uint8Array): bigint {
  return BigInt(`0x${hex(encoding.slice().reverse())}`);
}

/** A point of order 8: the order of the base point times any point that has a component of that order. */
function torsionPoint(): CurvePoint {
  for (let y = 2n; ; y++) {
    try {
      const torsion = Point.fromBytes(littleEndian(y), true)
        .multiplyUnsafe(L - 1n)
        .add(Point.fromBytes(littleEndian(y), true));
      if (!torsion.double().double().is0()) return torsion;
    } catch {
      // Not every y has a point.
    }
  }
}

const TORSION = torsionPoint();

/** The 14 encodings, from the curve's equation: eight points, and every second way to write their coordinates. */
function smallOrderEncodings(): Set<string> {
  const encodings = new Set<string>();
  for (let i = 0n; i < 8n; i++) {
    const y = i === 0n ? 1n : TORSION.multiplyUnsafe(i).toAffine().y;
    for (const written of [y, y + P]) {
      if (written >= 2n ** 255n) continue;
      for (const sign of [0n, 1n]) encodings.add(hex(littleEndian(written + sign * 2n ** 255n)));
    }
  }
  return encodings;
}

const ENCODINGS = smallOrderEncodings();

function challenge(r: Uint8Array, key: Uint8Array, message: Uint8Array): bigint {
  return fromLittleEndian(sha512(Uint8Array.of(...r, ...key, ...message))) % L;
}

async function verdicts(key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean[]> {
  return Promise.all(NAMES.map((name) => provider(name).verify("ed25519", key, message, signature)));
}

const NONE = NAMES.map(() => false);
const ALL = NAMES.map(() => true);

describe("small-order points", () => {
  it("are 14 encodings, each refused as a point and as a key", () => {
    assert.equal(ENCODINGS.size, 14);
    for (const encoding of ENCODINGS) {
      assert.equal(isSmallOrder(bytes(encoding)), true, encoding);
      assert.throws(() => PublicKey.parse(`ed25519/${encoding}`), { name: "KeyError", code: "invalid_key" });
    }
  });

  it("as a key fit one signature to all messages, which every provider refuses", async () => {
    const s = 12345n;
    const signature = Uint8Array.of(...Point.BASE.multiply(s).toBytes(), ...littleEndian(s));
    const identity = littleEndian(1n);
    // The equation holds, so nothing but the rule about the key stands in the way.
    assert.equal(ed25519.verify(signature, MESSAGE, identity), true);
    assert.deepEqual(await verdicts(identity, MESSAGE, signature), NONE);
    for (const encoding of ENCODINGS) assert.deepEqual(await verdicts(bytes(encoding), MESSAGE, signature), NONE);
  });

  it("as R are refused though the equation holds", async () => {
    const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(seedBytes(5));
    for (const encoding of ENCODINGS) {
      const r = bytes(encoding);
      const s = (challenge(r, pointBytes, MESSAGE) * scalar) % L;
      const signature = Uint8Array.of(...r, ...littleEndian(s));
      assert.deepEqual(await verdicts(pointBytes, MESSAGE, signature), NONE, encoding);
    }
    const r = littleEndian(1n);
    const s = (challenge(r, pointBytes, MESSAGE) * scalar) % L;
    assert.equal(ed25519.verify(Uint8Array.of(...r, ...littleEndian(s)), MESSAGE, pointBytes), true);
  });
});

describe("isSafeEncoding", () => {
  for (const { id, encoding, canonical, smallOrder } of vectors.points) {
    it(`judges ${id}`, () => {
      assert.equal(isSmallOrder(bytes(encoding)), smallOrder);
      assert.equal(isSafeEncoding(bytes(encoding)), canonical && !smallOrder);
    });
  }

  it("refuses another length", () => {
    for (const length of [0, 31, 33, 64]) assert.equal(isSafeEncoding(new Uint8Array(length).fill(3)), false);
  });
});

describe("non-canonical encodings", () => {
  it("are refused as points and as keys, from the field's prime upwards", () => {
    assert.equal(isSafeEncoding(littleEndian(P - 2n)), true);
    for (let y = P; y < 2n ** 255n; y++) {
      for (const sign of [0n, 2n ** 255n]) {
        assert.equal(isSafeEncoding(littleEndian(y + sign)), false);
        assert.throws(() => PublicKey.fromBytes("ed25519", littleEndian(y + sign)), { code: "invalid_key" });
      }
    }
  });

  it("of S are refused: L itself and everything above", async () => {
    const secret = seedBytes(6);
    const key = ed25519.getPublicKey(secret);
    const signature = ed25519.sign(MESSAGE, secret);
    assert.deepEqual(await verdicts(key, MESSAGE, signature), ALL);
    const r = signature.subarray(0, 32);
    const s = fromLittleEndian(signature.subarray(32));
    for (const other of [s + L, s + 2n * L, L, 2n ** 256n - 1n]) {
      const second = Uint8Array.of(...r, ...littleEndian(other));
      assert.equal(isEd25519Signature(second), false);
      assert.deepEqual(await verdicts(key, MESSAGE, second), NONE);
    }
    assert.equal(isEd25519Signature(Uint8Array.of(...r, ...littleEndian(L - 1n))), true);
  });
});

describe("keys with a small-order component", () => {
  it("get the verdict of the equation without cofactor from every provider", async () => {
    const { scalar, point } = ed25519.utils.getExtendedPublicKey(seedBytes(7));
    const key = point.add(TORSION).toBytes();
    const nonce = 777n;
    const r = Point.BASE.multiply(nonce).toBytes();
    const seen = new Set<boolean>();
    for (let i = 0; i < 32; i++) {
      const message = Uint8Array.of(i);
      const k = challenge(r, key, message);
      const signature = Uint8Array.of(...r, ...littleEndian((nonce + k * scalar) % L));
      // With the cofactor every one of these would be accepted.
      const expected = k % 8n === 0n;
      seen.add(expected);
      assert.deepEqual(await verdicts(key, message, signature), expected ? ALL : NONE, `message ${i}`);
    }
    assert.equal(seen.size, 2);
  });
});
