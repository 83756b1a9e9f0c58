import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import type { JWK } from "jose";
import { algorithmNames, algorithms } from "../../src/keys/algorithms.ts";
import { keyForms, readSigningKey, readSigningKeys, writeKey } from "../../src/keys/convert.ts";
import { acceptPrivateKey } from "../../src/keys/signing-key.ts";

const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ecJwk: JWK = ec.privateKey.export({ format: "jwk" });
const ed = generateKeyPairSync("ed25519");
const edJwk: JWK = ed.privateKey.export({ format: "jwk" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const rsaJwk: JWK = rsa.privateKey.export({ format: "jwk" });
const kid = acceptPrivateKey(ec.privateKey).kid;

const pem = (key: KeyObject, type: "pkcs8" | "sec1" | "pkcs1") => key.export({ format: "pem", type }).toString();
const der = (key: KeyObject, type: "pkcs8" | "sec1" | "pkcs1") => key.export({ format: "der", type });

describe("readSigningKey reads", () => {
  const sec1 = pem(ec.privateKey, "sec1");
  const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  const encrypted = ec.privateKey
    .export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "right" })
    .toString();
  const legacy = ec.privateKey
    .export({ format: "pem", type: "sec1", cipher: "aes-128-cbc", passphrase: "right" })
    .toString();
  const rows: readonly { id: string; input: string | Uint8Array; passphrase?: string }[] = [
    { id: "SEC 1 PEM", input: sec1 },
    { id: "SEC 1 PEM with EC PARAMETERS in front", input: parameters + sec1 },
    { id: "PEM with text around it and CRLF", input: `Key of the issuer\n${sec1}\nend`.replaceAll("\n", "\r\n") },
    { id: "PEM as bytes", input: Buffer.from(sec1) },
    { id: "PKCS #8 PEM", input: pem(ec.privateKey, "pkcs8") },
    { id: "encrypted PKCS #8 PEM", input: encrypted, passphrase: "right" },
    { id: "encrypted SEC 1 PEM", input: legacy, passphrase: "right" },
    { id: "SEC 1 DER", input: der(ec.privateKey, "sec1") },
    { id: "PKCS #8 DER", input: der(ec.privateKey, "pkcs8") },
    { id: "a private JWK", input: JSON.stringify(ecJwk) },
    { id: "key.json of pem-to-jwk, with its kid", input: `${JSON.stringify({ ...ecJwk, kid: "other" }, null, 2)}\n` },
    {
      id: "a JWK with use, alg and key_ops",
      input: JSON.stringify({ ...ecJwk, use: "sig", alg: "ES256", key_ops: ["sign"] }),
    },
    { id: "a JWK set of one", input: JSON.stringify({ keys: [ecJwk] }) },
  ];
  for (const { id, input, passphrase } of rows) {
    it(id, () => {
      const key = readSigningKey(input, undefined, passphrase === undefined ? {} : { passphrase });
      assert.equal(key.kid, kid);
      assert.equal(key.algorithm, "ES256");
    });
  }

  it("PKCS #1 PEM and DER of RSA", () => {
    for (const input of [pem(rsa.privateKey, "pkcs1"), der(rsa.privateKey, "pkcs1")]) {
      assert.equal(readSigningKey(input).algorithm, "RS256");
      assert.equal(readSigningKey(input, "PS256").algorithm, "PS256");
    }
  });

  it("JWKs as PyJWT writes them", () => {
    const { kty, n, e, d, p, q, dp, dq, qi } = rsaJwk;
    assert.equal(
      readSigningKey(JSON.stringify({ kty, key_ops: ["sign"], n, e, d, p, q, dp, dq, qi })).algorithm,
      "RS256",
    );
    assert.equal(
      readSigningKey(JSON.stringify({ x: edJwk.x, d: edJwk.d, kty: "OKP", crv: "Ed25519" })).algorithm,
      "EdDSA",
    );
  });

  it("the algorithm a JWK names, unless another is asked for", () => {
    const input = JSON.stringify({ ...rsaJwk, alg: "PS256" });
    assert.equal(readSigningKey(input).algorithm, "PS256");
    assert.equal(readSigningKey(input, "RS256").algorithm, "RS256");
  });

  it("every key of a set and of a PEM file", () => {
    const set = JSON.stringify({ keys: [ecJwk, edJwk, rsaJwk] });
    assert.deepEqual(
      readSigningKeys(set).map(({ algorithm }) => algorithm),
      ["ES256", "EdDSA", "RS256"],
    );
    assert.equal(readSigningKeys(pem(ec.privateKey, "sec1") + pem(ed.privateKey, "pkcs8")).length, 2);
  });
});

/** Encodings of points whose y is not that of any point of large order (all fourteen, little endian). */
const smallOrderPoints = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

describe("readSigningKey refuses", () => {
  const other: JWK = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const otherEd: JWK = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  const jwk = (change: object, base: JWK = ecJwk) => JSON.stringify({ ...base, ...change });
  const small = (bits: number) => generateKeyPairSync("rsa", { modulusLength: bits }).privateKey;
  const base64url = (hex: string) => Buffer.from(hex, "hex").toString("base64url");
  const secp256k1 = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
  const mismatched = Buffer.from(der(ec.privateKey, "sec1"));
  Buffer.from(other.x ?? "", "base64url").copy(mismatched, mismatched.length - 64);
  Buffer.from(other.y ?? "", "base64url").copy(mismatched, mismatched.length - 32);
  const offCurve = Buffer.from(der(ec.privateKey, "sec1"));
  offCurve.writeUInt8((offCurve.at(-1) ?? 0) ^ 1, offCurve.length - 1);
  const truncated = pem(ec.privateKey, "sec1").slice(0, 100);

  const rows: readonly { id: string; input: string | Uint8Array; expect: RegExp; algorithm?: "ES256" | "RS256" }[] = [
    { id: "A12 a point off the curve", input: jwk({ x: other.x }), expect: /too small, too large, of small order/ },
    {
      id: "A12 a point off the curve in SEC 1",
      input: offCurve,
      expect: /neither PKCS #8, nor SEC 1|not those of one/,
    },
    {
      id: "A12 the point at infinity",
      input: jwk({ x: "A".repeat(43), y: "A".repeat(43) }),
      expect: /not on its curve/,
    },
    { id: "A12 a short x", input: jwk({ x: ecJwk.x?.slice(0, 40) }), expect: /wrong length/ },
    { id: "A12 a long y", input: jwk({ y: `AAAA${ecJwk.y}` }), expect: /wrong length/ },
    { id: "another key's point", input: jwk({ x: other.x, y: other.y }), expect: /not those of one/ },
    { id: "another key's point in SEC 1", input: mismatched, expect: /not those of one|neither/ },
    { id: "d of zero", input: jwk({ d: "A".repeat(43) }), expect: /not those of one/ },
    { id: "another Ed25519 key's point", input: jwk({ x: otherEd.x }, edJwk), expect: /not those of one/ },
    ...smallOrderPoints.map((hex, place) => ({
      id: `A14 Ed25519 point of small order ${place + 1}`,
      input: jwk({ x: base64url(hex) }, edJwk),
      expect: /of small order/,
    })),
    { id: "A17 RSA of 512 bits", input: pem(small(512), "pkcs8"), expect: /too small, too large, of small order/ },
    { id: "A17 RSA of 1024 bits", input: pem(small(1024), "pkcs1"), expect: /too small, too large, of small order/ },
    {
      id: "A17 RSA of 1024 bits as JWK",
      input: JSON.stringify(small(1024).export({ format: "jwk" })),
      expect: /too small, too large, of small order/,
    },
    {
      id: "A17 RSA of 16384 bits",
      input: jwk({ n: base64url(`c0${"01".repeat(2047)}`) }, rsaJwk),
      expect: /too small, too large, of small order/,
    },
    { id: "A17 RSA with e = 1", input: jwk({ e: "AQ" }, rsaJwk), expect: /too small, too large, of small order/ },
    {
      id: "A17 RSA with e even",
      input: jwk({ e: base64url("010002") }, rsaJwk),
      expect: /too small, too large, of small order/,
    },
    {
      id: "RSA with an even modulus",
      input: jwk({ n: base64url(`c0${"02".repeat(255)}`) }, rsaJwk),
      expect: /too small, too large, of small order/,
    },
    { id: "RSA of three primes", input: jwk({ oth: [{}] }, rsaJwk), expect: /more than two primes/ },
    { id: "A18 a symmetric key", input: JSON.stringify({ kty: "oct", k: "AAAAAAAAAAA" }), expect: /symmetric/ },
    {
      id: "A11 P-384",
      input: pem(generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey, "sec1"),
      expect: /secp384r1/,
    },
    { id: "A11 secp256k1", input: pem(secp256k1, "sec1"), expect: /secp256k1/ },
    { id: "X25519", input: pem(generateKeyPairSync("x25519").privateKey, "pkcs8"), expect: /type is x25519/ },
    { id: "Ed448", input: pem(generateKeyPairSync("ed448").privateKey, "pkcs8"), expect: /type is ed448/ },
    { id: "A6 use enc", input: jwk({ use: "enc" }), expect: /use is not sig/ },
    { id: "A6 key_ops without sign", input: jwk({ key_ops: ["verify"] }), expect: /key_ops/ },
    { id: "A6 key_ops that is no array", input: jwk({ key_ops: "sign" }), expect: /key_ops/ },
    {
      id: "alg of another type",
      input: jwk({ alg: "RS256" }),
      expect: /for ES256 or biscuit-secp256r1, not for RS256/,
    },
    { id: "alg HS256", input: jwk({ alg: "HS256" }), expect: /alg is none of/ },
    {
      id: "an algorithm of another type",
      input: pem(ec.privateKey, "sec1"),
      algorithm: "RS256",
      expect: /not for RS256/,
    },
    { id: "members that are no text", input: jwk({ d: 1 }), expect: /member d must be text/ },
    { id: "padded base64url", input: jwk({ d: `${ecJwk.d}=` }), expect: /without padding/ },
    { id: "a public JWK", input: JSON.stringify(other), expect: /public key/ },
    {
      id: "a public PEM",
      input: ec.publicKey.export({ format: "pem", type: "spki" }).toString(),
      expect: /is a PUBLIC KEY/,
    },
    { id: "F4 an encrypted PEM without passphrase", input: encryptedPem(), expect: /encrypted; give its passphrase/ },
    { id: "a truncated PEM", input: truncated, expect: /truncated/ },
    {
      id: "a damaged PEM",
      input: pem(ec.privateKey, "sec1").replace("\nM", "\n!"),
      expect: /its EC PRIVATE KEY is damaged/,
    },
    {
      id: "an OpenSSH key",
      input: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
      expect: /damaged/,
    },
    { id: "DER of something else", input: Buffer.from([0x30, 0x03, 0x02, 0x01, 0x00]), expect: /neither PKCS #8/ },
    { id: "bytes", input: Buffer.from([0xff, 0xfe, 0x00]), expect: /neither text nor DER/ },
    { id: "text", input: "hello", expect: /neither PEM, nor DER, nor JSON/ },
    { id: "nothing", input: "", expect: /neither PEM/ },
    { id: "broken JSON", input: "{", expect: /JSON is malformed/ },
    { id: "a JWK without type", input: "{}", expect: /public key/ },
    { id: "keys that is no array", input: '{"keys":{}}', expect: /must be an array/ },
    { id: "an empty set", input: '{"keys":[]}', expect: /there is none/ },
    { id: "a set of two where one is wanted", input: JSON.stringify({ keys: [ecJwk, edJwk] }), expect: /there are 2/ },
    ...['"x"', "null", "[]"].map((key) => ({
      id: `a set of ${key}`,
      input: `{"keys":[${key}]}`,
      expect: /must be an object/,
    })),
    { id: "a megabyte", input: `{"d":"${"A".repeat(1_000_000)}"}`, expect: /too long/ },
  ];
  for (const { id, input, algorithm, expect } of rows) {
    it(id, () => {
      assert.throws(
        () => readSigningKey(input, algorithm),
        (error) => error instanceof CountersignError && error.code === "invalid_request" && expect.test(error.message),
      );
    });
  }

  it("F4 a wrong passphrase", () => {
    assert.throws(() => readSigningKey(encryptedPem(), undefined, { passphrase: "wrong" }), /passphrase is wrong/);
  });

  it("and its message never holds the key", () => {
    for (const { input, algorithm } of rows) {
      try {
        readSigningKey(input, algorithm);
      } catch (error) {
        assert.ok(
          error instanceof Error && !error.message.includes(ecJwk.d ?? "?") && !error.message.includes(edJwk.d ?? "?"),
        );
      }
    }
  });
});

function encryptedPem(): string {
  const options = { format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "right" } as const;
  return ec.privateKey.export(options).toString();
}

describe("writeKey", () => {
  for (const algorithm of algorithmNames) {
    it(`writes what readSigningKey reads: ${algorithm}`, async () => {
      const key = acceptPrivateKey(await algorithms[algorithm].generate(), algorithm);
      for (const form of keyForms.filter((name) => !name.includes("public") && name !== "jwks")) {
        if (form === "sec1" && algorithm !== "ES256") continue;
        const again = readSigningKey(writeKey(key, form), algorithm);
        assert.equal(again.kid, key.kid);
        assert.ok(again.privateKey.equals(key.privateKey));
      }
    });

    it(`writes nothing private into public forms: ${algorithm}`, async () => {
      const key = acceptPrivateKey(await algorithms[algorithm].generate(), algorithm);
      const secrets: JWK = key.privateKey.export({ format: "jwk" });
      for (const form of ["public-pem", "public-jwk", "jwks"] as const) {
        const text = writeKey(key, form);
        assert.throws(() => readSigningKey(text), CountersignError);
        for (const member of ["d", "p", "q", "dp", "dq", "qi", "priv"] as const) {
          const secret = secrets[member];
          assert.ok(secret === undefined || !text.includes(secret), member);
        }
      }
    });
  }

  it("has no SEC 1 form for keys on no curve of SEC 1", () => {
    assert.throws(() => writeKey(acceptPrivateKey(ed.privateKey), "sec1"), /only an EC key/);
  });

  it("writes a JWK set with kid, alg and use", () => {
    const { keys } = JSON.parse(writeKey(acceptPrivateKey(ec.privateKey), "jwks"));
    assert.deepEqual(keys, [{ kty: "EC", crv: "P-256", x: ecJwk.x, y: ecJwk.y, kid, alg: "ES256", use: "sig" }]);
  });
});

const openssl = spawnSync("openssl", ["version"]).status === 0;
const skip = openssl ? false : "openssl is not installed";

describe("conversion beside openssl", { skip }, () => {
  const run = (args: readonly string[], input?: string) => execFileSync("openssl", [...args], { input, stdio: "pipe" });
  const message = Buffer.from("message");

  function signsForItself(key: KeyObject, publicPem: string): boolean {
    return verify("sha256", message, createPublicKey(publicPem), sign("sha256", message, key));
  }

  const commands = [
    ["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
    ["ecparam", "-name", "prime256v1", "-genkey"],
    ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-param_enc", "explicit"],
    ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ["genrsa", "-traditional", "2048"],
    ["genpkey", "-algorithm", "ED25519"],
  ];
  for (const command of commands) {
    it(`reads openssl ${command.join(" ")}`, () => {
      const text = run(command).toString();
      const key = readSigningKey(text);
      const publicPem = run(["pkey", "-pubout"], text).toString();
      assert.ok(createPublicKey(publicPem).equals(createPublicKey(key.privateKey)) || command.includes("explicit"));
      if (key.algorithm !== "EdDSA") assert.ok(signsForItself(key.privateKey, publicPem));
    });
  }

  it("writes what openssl reads", () => {
    const key = acceptPrivateKey(ec.privateKey);
    const publicPem = writeKey(key, "public-pem");
    for (const form of ["pem", "sec1"] as const) {
      assert.equal(run(["pkey", "-pubout"], writeKey(key, form)).toString(), publicPem);
      run(["pkey", "-check", "-noout"], writeKey(key, form));
    }
  });
});
