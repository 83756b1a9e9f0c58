import assert from "node:assert/strict";
import { createECDH, createPrivateKey, ECDH, sign, verify } from "node:crypto";
import { describe, it } from "node:test";
import { ecdsaDerToRaw, ecdsaRawToDer, formatEcdsaDer, parseEcdsaDer } from "../../src/crypto/ecdsa-signature.ts";
import { compressP256, decompressP256, isP256Point, isP256PrivateKey, P256_ORDER } from "../../src/crypto/p256.ts";
import { isSignatureEncoding, normalizeSignature } from "../../src/crypto/strict-provider.ts";
import { bytes, hex, MESSAGE, NAMES, provider, seedBytes } from "./providers.ts";

function publicPoint(secret: Uint8Array, format: "compressed" | "uncompressed"): Uint8Array {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(secret);
  return Uint8Array.from(ecdh.getPublicKey(null, format));
}

const FIELD = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;

function compressed(x: bigint, tag = 2): Uint8Array {
  return bytes(`0${tag}${x.toString(16).padStart(64, "0")}`);
}

function onCurve(key: Uint8Array): boolean {
  try {
    ECDH.convertKey(key, "prime256v1");
    return true;
  } catch {
    return false;
  }
}

describe("decompressP256", () => {
  it("agrees with OpenSSL on keys, and compressP256 reverses it", () => {
    for (let seed = 0; seed < 50; seed++) {
      const key = publicPoint(seedBytes(seed), "compressed");
      const point = decompressP256(key);
      assert.ok(point);
      assert.equal(`04${hex(point.x)}${hex(point.y)}`, hex(publicPoint(seedBytes(seed), "uncompressed")));
      assert.deepEqual(compressP256(point), key);
    }
  });

  it("agrees with OpenSSL on which coordinates lie on the curve, and isP256Point with both", () => {
    const answers = new Set<boolean>();
    for (let x = 0n; x < 64n; x++) {
      const expected = onCurve(compressed(x));
      answers.add(expected);
      assert.equal(decompressP256(compressed(x)) !== undefined, expected, `x = ${x}`);
      assert.equal(isP256Point(compressed(x)), expected, `x = ${x}`);
    }
    assert.equal(answers.size, 2);
  });

  const refused: readonly { id: string; key: Uint8Array }[] = [
    { id: "empty", key: new Uint8Array() },
    { id: "32 bytes", key: publicPoint(seedBytes(1), "compressed").slice(1) },
    { id: "uncompressed", key: publicPoint(seedBytes(1), "uncompressed") },
    { id: "hybrid tag", key: Uint8Array.of(6, ...publicPoint(seedBytes(1), "compressed").slice(1)) },
    { id: "point at infinity", key: new Uint8Array(33) },
    { id: "x equal to the prime", key: compressed(FIELD) },
    { id: "x + p, which OpenSSL would have to reduce", key: compressed(FIELD + 5n) },
    { id: "x of all ones", key: compressed(2n ** 256n - 1n) },
  ];
  for (const { id, key } of refused) {
    it(`refuses ${id}`, () => {
      assert.equal(decompressP256(key), undefined);
      assert.equal(isP256Point(key), false);
    });
  }
});

describe("compressP256", () => {
  it("refuses a point off the curve and coordinates of other lengths", () => {
    const point = decompressP256(publicPoint(seedBytes(1), "compressed"));
    assert.ok(point);
    const y = point.y.slice();
    y[0] = (y[0] ?? 0) ^ 1;
    assert.equal(compressP256({ x: point.x, y }), undefined);
    assert.equal(compressP256({ x: point.x.slice(1), y: point.y }), undefined);
    assert.equal(compressP256({ x: point.x, y: Uint8Array.of(0, ...point.y) }), undefined);
  });
});

describe("isP256PrivateKey", () => {
  it("accepts 1 to the order less 1, in 32 bytes", () => {
    const scalar = (value: bigint) => bytes(value.toString(16).padStart(64, "0"));
    assert.equal(isP256PrivateKey(scalar(1n)), true);
    assert.equal(isP256PrivateKey(scalar(P256_ORDER - 1n)), true);
    assert.equal(isP256PrivateKey(scalar(0n)), false);
    assert.equal(isP256PrivateKey(scalar(P256_ORDER)), false);
    assert.equal(isP256PrivateKey(Uint8Array.of(1)), false);
  });
});

describe("parseEcdsaDer", () => {
  it("reads what OpenSSL writes, in both forms and back", () => {
    const secret = seedBytes(9);
    const point = decompressP256(publicPoint(secret, "compressed"));
    assert.ok(point);
    const base64 = (part: Uint8Array) => Buffer.from(part).toString("base64url");
    const jwk = { kty: "EC", crv: "P-256", d: base64(secret), x: base64(point.x), y: base64(point.y) };
    const key = createPrivateKey({ format: "jwk", key: jwk });
    for (let i = 0; i < 100; i++) {
      const der = Uint8Array.from(sign("sha256", Uint8Array.of(i), key));
      const raw = ecdsaDerToRaw(der);
      assert.ok(raw);
      assert.equal(verify("sha256", Uint8Array.of(i), { key, dsaEncoding: "ieee-p1363" }, raw), true);
      assert.deepEqual(ecdsaRawToDer(raw), der);
    }
  });

  const refused: readonly { id: string; der: string }[] = [
    { id: "nothing", der: "" },
    { id: "r = 0", der: "3006020100020101" },
    { id: "s = 0", der: "3006020101020100" },
    { id: "a negative r", der: "3006020181020101" },
    { id: "a padded r", der: "300702020001020101" },
    { id: "a long length of the sequence", der: "308106020101020101" },
    { id: "a long length of r", der: "30070281010102010100".slice(0, 18) },
    { id: "a byte after the end", der: "300602010102010100" },
    { id: "a byte inside the sequence after s", der: "300702010102010100" },
    { id: "a sequence that claims more", der: "3007020101020101" },
    { id: "an empty r", der: "30050200020101" },
    { id: "the raw form", der: "01".repeat(64) },
    { id: "r equal to the order", der: `3026022100${P256_ORDER.toString(16)}020101` },
    { id: "s above the order", der: `3026020101022100${(P256_ORDER + 1n).toString(16)}` },
  ];
  for (const { id, der } of refused) {
    it(`refuses ${id}`, () => {
      assert.equal(parseEcdsaDer(bytes(der)), undefined);
      assert.equal(isSignatureEncoding("secp256r1", bytes(der)), false);
    });
  }
  it("accepts the smallest integers, which the refused forms vary", () => {
    assert.deepEqual(parseEcdsaDer(bytes("3006020101020101")), { r: 1n, s: 1n });
  });
});

describe("ECDSA signatures with another form of the same value", () => {
  for (const name of NAMES) {
    it(`${name} provider refuses long lengths, padding and trailing bytes`, async () => {
      const secret = seedBytes(4);
      const key = publicPoint(secret, "compressed");
      const der = await provider("node").sign("secp256r1", secret, MESSAGE);
      const body = der.subarray(2);
      assert.equal(await provider(name).verify("secp256r1", key, MESSAGE, der), true);
      const forms = [
        Uint8Array.of(0x30, 0x81, body.length, ...body),
        Uint8Array.of(...der, 0),
        Uint8Array.of(0x30, body.length + 1, ...body, 0),
        ecdsaDerToRaw(der) ?? new Uint8Array(),
      ];
      for (const form of forms) assert.equal(await provider(name).verify("secp256r1", key, MESSAGE, form), false);
    });

    it(`${name} provider accepts both s and n - s, as the reference does`, async () => {
      const secret = seedBytes(8);
      const key = publicPoint(secret, "compressed");
      const parsed = parseEcdsaDer(await provider(name).sign("secp256r1", secret, MESSAGE));
      assert.ok(parsed);
      for (const s of [parsed.s, P256_ORDER - parsed.s]) {
        const twin = formatEcdsaDer({ r: parsed.r, s });
        assert.equal(await provider(name).verify("secp256r1", key, MESSAGE, twin), true);
      }
    });
  }
});

describe("normalizeSignature", () => {
  it("gives both twins the form with the lower s", () => {
    const [r, low] = [123n, 456n];
    const form = hex(formatEcdsaDer({ r, s: low }));
    assert.equal(hex(normalizeSignature("secp256r1", formatEcdsaDer({ r, s: low }))), form);
    assert.equal(hex(normalizeSignature("secp256r1", formatEcdsaDer({ r, s: P256_ORDER - low }))), form);
  });

  it("lowers the high s of the official secp256r1 sample", () => {
    // Revocation id of block 1 of test036_secp256r1 in the official samples.
    const sample = bytes(
      "3046022100b60674854a12814cc36c8aab9600c1d9f9d3160e2334b72c0feede5a56213ea5022100a4f4bbf2dc33b309267af39fce76612017ddb6171e9cd2a3aa8a853f45f1675f",
    );
    const before = parseEcdsaDer(sample);
    const after = parseEcdsaDer(normalizeSignature("secp256r1", sample));
    assert.ok(before && after && before.s > P256_ORDER / 2n);
    assert.deepEqual(after, { r: before.r, s: P256_ORDER - before.s });
  });

  it("leaves Ed25519 and malformed signatures as they are", () => {
    for (const algorithm of ["ed25519", "secp256r1"] as const) {
      assert.deepEqual(normalizeSignature(algorithm, MESSAGE), MESSAGE);
    }
  });
});
