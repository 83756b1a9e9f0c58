import { constants, createHash, createHmac, privateEncrypt, sign } from "node:crypto";
import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { fromBase64url, toBase64url } from "../../src/index.ts";
import { aKey, aToken, goodClaims, goodHeader, jws, part, signatureOf, type TestKey } from "../fixtures.ts";
import type { KeyCase, Row, TokenCase } from "./case.ts";

const es = aKey("ES256");
const ed = aKey("EdDSA");
const rs = aKey("RS256");
const ps = aKey("PS256");
const p384 = aKey("ES384");

const bytes = (text: string | undefined) => Buffer.from(fromBase64url(text ?? "") ?? []);
const unsigned = (alg: unknown, key: TestKey) => `${part({ ...goodHeader(key), alg })}.${part(goodClaims)}`;
/** A good token of `key` with another signature. */
const withSignature = (key: TestKey, signature: Uint8Array) => `${unsigned(key.alg, key)}.${toBase64url(signature)}`;
const goodSignature = (key: TestKey) => signatureOf(key.alg, key.privateKey, unsigned(key.alg, key));

const noneNames = ["none", "None", "nOnE", "NONE", "none ", "", null, undefined];

function macWith(key: TestKey, secret: Uint8Array | string): string {
  const input = unsigned("HS256", key);
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

const confusedSecrets = (key: TestKey): readonly (readonly [string, Uint8Array | string])[] => [
  ["PEM", key.publicKey.export({ format: "pem", type: "spki" }).toString()],
  ["DER", key.publicKey.export({ format: "der", type: "spki" })],
  ["JWK", JSON.stringify(key.jwk)],
  ["x or n", bytes(key.jwk.x ?? key.jwk.n)],
  ["x and y", Buffer.concat([bytes(key.jwk.x), bytes(key.jwk.y)])],
  ["compressed", Buffer.concat([Buffer.from([2]), bytes(key.jwk.x)])],
];

const confused = (key: TestKey): TokenCase[] =>
  confusedSecrets(key).map(([name, secret]) => ({
    name: `${key.alg} key as ${name}`,
    token: macWith(key, secret),
    jwks: [key.jwk],
    expect: "algorithm_not_allowed",
  }));

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const scalar = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
const psychicValues = [0n, 1n, order - 1n, order];

function malleated(): Buffer {
  const signature = goodSignature(es);
  const s = BigInt(`0x${signature.subarray(32).toString("hex")}`);
  return Buffer.concat([signature.subarray(0, 32), scalar(order - s)]);
}

const der = sign("sha256", Buffer.from(unsigned("ES256", es)), es.privateKey);
const raw = goodSignature(es);
const resized: readonly (readonly [string, Buffer])[] = [
  ["63 bytes", raw.subarray(0, 63)],
  ["65 bytes", Buffer.concat([raw, Buffer.alloc(1)])],
  ["128 bytes", Buffer.concat([raw, raw])],
  ["zeros before r and s", Buffer.concat([Buffer.alloc(1), raw.subarray(0, 32), Buffer.alloc(1), raw.subarray(32)])],
  ["s first", Buffer.concat([raw.subarray(32), raw.subarray(0, 32)])],
  ["one byte", Buffer.alloc(1)],
];

const L = ed25519.Point.Fn.ORDER;
const littleEndian = (value: bigint) => scalar(value).reverse();
const fromLittleEndian = (encoded: Uint8Array) => BigInt(`0x${Buffer.from(encoded).reverse().toString("hex")}`);

function withLAdded(): Buffer {
  const signature = goodSignature(ed);
  const s = fromLittleEndian(signature.subarray(32)) + L;
  return Buffer.concat([signature.subarray(0, 32), littleEndian(s)]);
}

/** The Ed25519 secret scalar (RFC 8032 section 5.1.5), to make signatures that no honest signer makes. */
const secretScalar = ed25519.utils.getExtendedPublicKey(bytes(ed.privateKey.export({ format: "jwk" }).d)).scalar;

function challenge(R: Uint8Array, A: Uint8Array, input: string): bigint {
  return fromLittleEndian(createHash("sha512").update(R).update(A).update(input).digest()) % L;
}

/** S = k·a with R encoding the identity: the equation holds for whoever decodes R loosely. */
function withIdentityR(encodedR: Uint8Array): string {
  const input = unsigned("EdDSA", ed);
  const s = (challenge(encodedR, bytes(ed.jwk.x), input) * secretScalar) % L;
  return `${input}.${toBase64url(Buffer.concat([encodedR, littleEndian(s)]))}`;
}

/** A key with a component of order 8, and a token for which that component cancels out of the equation, or does not. */
function mixedOrder(cancels: boolean): TokenCase {
  const torsion = ed25519.Point.fromHex(ED25519_TORSION_SUBGROUP[1] ?? "");
  const A = ed25519.Point.BASE.multiply(secretScalar).add(torsion).toBytes();
  const R = ed25519.Point.BASE.multiply(7n).toBytes();
  for (let attempt = 0; ; attempt++) {
    const input = `${part(goodHeader(ed))}.${part({ ...goodClaims, jti: `token-${attempt}` })}`;
    const k = challenge(R, A, input);
    if ((k % 8n === 0n) !== cancels) continue;
    const signature = Buffer.concat([R, littleEndian((7n + k * secretScalar) % L)]);
    return {
      name: cancels ? "component cancels" : "component remains",
      token: `${input}.${toBase64url(signature)}`,
      jwks: [{ ...ed.jwk, x: toBase64url(A) }],
      expect: cancels ? "accepted" : "bad_signature",
    };
  }
}

/** All 14 encodings of points whose order divides 8: canonical, with a needless sign, and with y above p. */
const smallOrder = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

const edKey = (name: string, hex: string): KeyCase => ({
  name,
  jwk: { ...ed.jwk, x: toBase64url(Buffer.from(hex, "hex")) },
  refused: "weak_key",
});

/** RSASSA-PKCS1-v1_5 with another padding or DigestInfo (RFC 8017 section 9.2). */
function padded(build: (digest: Buffer) => Buffer): string {
  const input = unsigned("RS256", rs);
  const digest = createHash("sha256").update(input).digest();
  const block = Buffer.alloc(256);
  build(digest).copy(block);
  const signature = privateEncrypt({ key: rs.privateKey, padding: constants.RSA_NO_PADDING }, block);
  return `${input}.${toBase64url(signature)}`;
}

const digestInfo = Buffer.from("3031300d060960864801650304020105000420", "hex");
const frame = (head: string, fill: number, tail: Buffer) =>
  Buffer.concat([Buffer.from(head, "hex"), Buffer.alloc(fill, 0xff), Buffer.alloc(1), tail]);
const paddings: readonly (readonly [string, "accepted" | "bad_signature", (digest: Buffer) => Buffer])[] = [
  ["as prescribed", "accepted", (digest) => frame("0001", 202, Buffer.concat([digestInfo, digest]))],
  ["block type 2", "bad_signature", (digest) => frame("0002", 202, Buffer.concat([digestInfo, digest]))],
  [
    "short padding, garbage after the hash",
    "bad_signature",
    (digest) => frame("0001", 8, Buffer.concat([digestInfo, digest, Buffer.alloc(194, 1)])),
  ],
  ["no DigestInfo", "bad_signature", (digest) => frame("0001", 221, digest)],
  [
    "another hash's identifier",
    "bad_signature",
    (digest) =>
      frame("0001", 202, Buffer.concat([Buffer.from("3031300d060960864801650304020205000420", "hex"), digest])),
  ],
  [
    "no NULL parameter",
    "bad_signature",
    (digest) =>
      frame(
        "0001",
        204,
        Buffer.concat([Buffer.from("302f300b0609608648016503040201", "hex"), Buffer.from("0420", "hex"), digest]),
      ),
  ],
  ["zero padding", "bad_signature", (digest) => Buffer.concat([Buffer.alloc(205), digestInfo, digest])],
];

const swappedHeader = (key: TestKey, alg: string) => {
  const [, payload, signature] = aToken(key).split(".");
  return `${part({ ...goodHeader(key), alg })}.${payload}.${signature}`;
};

export const signatureRows: readonly Row[] = [
  {
    id: "A1",
    title: "alg none",
    tokens: noneNames.flatMap((alg): TokenCase[] => [
      { name: `${alg}, no signature`, token: `${unsigned(alg, es)}.`, jwks: [es.jwk], expect: "not_compact" },
      {
        name: `${alg}, some signature`,
        token: `${unsigned(alg, es)}.AAAA`,
        jwks: [es.jwk],
        expect: typeof alg === "string" ? "algorithm_not_allowed" : "malformed_header",
      },
    ]),
  },
  {
    id: "A2",
    title: "none with a real signature left on",
    tokens: ["none", "NONE"].map((alg) => ({
      name: alg,
      token: swappedHeader(es, alg),
      jwks: [es.jwk],
      expect: "algorithm_not_allowed",
    })),
  },
  { id: "A3", title: "RSA public key as HMAC secret", tokens: confused(rs) },
  { id: "A4", title: "EC or Ed25519 public key as HMAC secret", tokens: [...confused(es), ...confused(ed)] },
  {
    id: "A5",
    title: "RS and PS mixed",
    tokens: [
      {
        name: "PS256 signature called RS256",
        token: jws(goodHeader(rs), goodClaims, rs, "PS256"),
        jwks: [rs.jwk],
        expect: "bad_signature",
      },
      {
        name: "RS256 signature called PS256",
        token: jws(goodHeader(ps), goodClaims, ps, "RS256"),
        jwks: [ps.jwk],
        expect: "bad_signature",
      },
      {
        name: "PS256 under a key pinned to RS256",
        token: jws({ ...goodHeader(rs), alg: "PS256" }, goodClaims, rs, "PS256"),
        jwks: [rs.jwk],
        expect: "algorithm_mismatch",
      },
      {
        name: "PS256 under a key without alg, pinned to RS256",
        token: jws({ ...goodHeader(rs), alg: "PS256" }, goodClaims, rs, "PS256"),
        jwks: [{ ...rs.jwk, alg: undefined }],
        expect: "algorithm_mismatch",
        jose: "accepts",
      },
    ],
  },
  {
    id: "A6",
    title: "use or key_ops wrong",
    keys: [
      { name: "use enc", jwk: { ...es.jwk, use: "enc" }, refused: "wrong_use" },
      { name: "use not a string", jwk: { ...es.jwk, use: ["sig"] }, refused: "wrong_use" },
      { name: "key_ops sign", jwk: { ...es.jwk, key_ops: ["sign"] }, refused: "wrong_use" },
      { name: "key_ops empty", jwk: { ...es.jwk, key_ops: [] }, refused: "wrong_use" },
      { name: "key_ops a string", jwk: { ...es.jwk, key_ops: "verify" }, refused: "wrong_use" },
    ],
  },
  {
    id: "A7",
    title: "ECDSA signature in DER",
    tokens: [{ name: "DER", token: withSignature(es, der), jwks: [es.jwk], expect: "bad_signature" }],
  },
  {
    id: "A8",
    title: "ECDSA signature of another length",
    tokens: resized.map(([name, signature]) => ({
      name,
      token: withSignature(es, signature),
      jwks: [es.jwk],
      expect: "bad_signature",
    })),
  },
  {
    id: "A9",
    title: "psychic signature",
    tokens: psychicValues.flatMap((r) =>
      psychicValues.map(
        (s): TokenCase => ({
          name: `r ${r}, s ${s}`,
          token: withSignature(es, Buffer.concat([scalar(r), scalar(s)])),
          jwks: [es.jwk],
          expect: "bad_signature",
        }),
      ),
    ),
  },
  {
    id: "A10",
    title: "ECDSA malleability: valid, so that only jti tells a token, never its text",
    tokens: [{ name: "(r, n-s)", token: withSignature(es, malleated()), jwks: [es.jwk], expect: "accepted" }],
  },
  {
    id: "A11",
    title: "wrong curve",
    tokens: [
      {
        name: "ES256 under a P-384 key",
        token: jws({ ...goodHeader(p384), alg: "ES256" }, goodClaims, p384, "ES256"),
        jwks: [{ ...p384.jwk, alg: undefined }],
        expect: "algorithm_mismatch",
      },
    ],
    keys: [
      { name: "P-384 called ES256", jwk: { ...p384.jwk, alg: "ES256" }, refused: "wrong_algorithm" },
      { name: "secp256k1", jwk: { ...es.jwk, crv: "secp256k1" }, refused: "unknown_key_type" },
      { name: "X25519", jwk: { ...ed.jwk, crv: "X25519" }, refused: "unknown_key_type" },
    ],
  },
  {
    id: "A12",
    title: "EC point off the curve, at infinity, or short",
    keys: [
      { name: "x and y swapped", jwk: { ...es.jwk, x: es.jwk.y, y: es.jwk.x }, refused: "weak_key" },
      {
        name: "zeros",
        jwk: { ...es.jwk, x: toBase64url(Buffer.alloc(32)), y: toBase64url(Buffer.alloc(32)) },
        refused: "weak_key",
      },
      {
        name: "x beyond the field",
        jwk: { ...es.jwk, x: toBase64url(Buffer.alloc(32, 0xff)) },
        refused: "weak_key",
      },
      {
        name: "x of 31 bytes",
        jwk: { ...es.jwk, x: toBase64url(bytes(es.jwk.x).subarray(1)) },
        refused: "malformed_key",
      },
      {
        name: "x of 33 bytes",
        jwk: { ...es.jwk, x: toBase64url(Buffer.concat([Buffer.alloc(1), bytes(es.jwk.x)])) },
        refused: "malformed_key",
      },
      { name: "no y", jwk: { ...es.jwk, y: undefined }, refused: "malformed_key" },
      { name: "x padded", jwk: { ...es.jwk, x: `${es.jwk.x}=` }, refused: "malformed_key" },
      { name: "x a number", jwk: { ...es.jwk, x: 1 }, refused: "malformed_key" },
      edKey("Ed25519 y that has no x", "0200000000000000000000000000000000000000000000000000000000000000"),
    ],
  },
  {
    id: "A13",
    title: "Ed25519 S not below L",
    tokens: [{ name: "S + L", token: withSignature(ed, withLAdded()), jwks: [ed.jwk], expect: "bad_signature" }],
  },
  {
    id: "A14",
    title: "Ed25519 key of small order",
    tokens: [
      {
        name: "R identity, S zero, fits every message on some runtimes",
        token: withSignature(ed, Buffer.concat([Buffer.from([1]), Buffer.alloc(63)])),
        jwks: [{ ...ed.jwk, x: toBase64url(Buffer.from(smallOrder[0] ?? "", "hex")) }],
        expect: "unknown_key",
      },
    ],
    keys: smallOrder.map((hex) => edKey(hex, hex)),
  },
  {
    id: "A15",
    title: "Ed25519 key or R not canonical",
    keys: [
      edKey("y = p + 3", "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
      edKey("y = p + 18", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ],
    tokens: [smallOrder[0], smallOrder[1], smallOrder[12], smallOrder[13]].map((hex = "") => ({
      name: `R ${hex}`,
      token: withIdentityR(Buffer.from(hex, "hex")),
      jwks: [ed.jwk],
      expect: "bad_signature",
    })),
  },
  {
    id: "A16",
    title: "Ed25519 key of mixed order: the cofactorless equation decides, as in every verifier of ours",
    tokens: [mixedOrder(true), mixedOrder(false)],
  },
  {
    id: "A17",
    title: "RSA key too small, too large, or with a bad exponent",
    keys: [
      ...[512, 1024, 2047, 8193, 16_384].map(
        (bits): KeyCase => ({
          name: `${bits} bits`,
          jwk: { ...rs.jwk, n: toBase64url(modulusOf(bits)) },
          refused: "weak_key",
        }),
      ),
      ...["AQ", "Ag", "Aw", "AQAA", "AQAC", "AAEAAQ", toBase64url(Buffer.alloc(9, 0xff))].map(
        (e): KeyCase => ({
          name: `e ${e}`,
          jwk: { ...rs.jwk, e },
          refused: e === "AAEAAQ" ? "malformed_key" : "weak_key",
        }),
      ),
      { name: "even modulus", jwk: { ...rs.jwk, n: toBase64url(Buffer.alloc(256, 0xfe)) }, refused: "weak_key" },
      { name: "modulus of CVE-2017-15361", jwk: { ...rs.jwk, n: toBase64url(rocaModulus()) }, refused: "weak_key" },
    ],
  },
  {
    id: "A18",
    title: "HMAC secrets, short or long: none is a verification key here",
    keys: [8, 32, 64].map((length) => ({
      name: `${length} bytes`,
      jwk: { kty: "oct", alg: "HS256", kid: "hmac", k: toBase64url(Buffer.alloc(length, 7)) },
      refused: "private_key",
    })),
  },
  {
    id: "A19",
    title: "PKCS #1 v1.5 padding",
    tokens: paddings.map(([name, expect, build]) => ({ name, token: padded(build), jwks: [rs.jwk], expect })),
  },
];

function modulusOf(bits: number): Buffer {
  const hex = (2n ** BigInt(bits) - 1n).toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
}

/** A number that leaves, modulo each small prime, a power of 65537: the mark of the broken generator. */
function rocaModulus(): Buffer {
  const primorial = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157].reduce(
    (product, prime) => product * BigInt(prime),
    1n,
  );
  let n = 65_537n ** 5n + primorial * (2n ** 2047n / primorial + 1n);
  while (n % 2n === 0n) n += primorial;
  return Buffer.from(n.toString(16), "hex");
}
