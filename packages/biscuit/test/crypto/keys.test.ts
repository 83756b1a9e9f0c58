import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { KeyPair, PrivateKey, PublicKey } from "../../src/crypto/keys.ts";
import type { KeyAlgorithm } from "../../src/crypto/provider.ts";
import { formatBiscuitWebKeys, parseBiscuitWebKeys } from "../../src/crypto/web-key.ts";
import { ALGORITHMS, bytes, hex, MESSAGE, NAMES, provider, seedBytes } from "./providers.ts";

/** The key pair of the official samples. */
const ROOT_PUBLIC = "ed25519/1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284";
const ROOT_PRIVATE = "ed25519-private/99e87b0e9158531eeeb503ff15266e2b23c2a2507b138c9d1b1f2ab458df2d61";
const P256_PUBLIC = "secp256r1/025e918fd4463832aea2823dfd9716a36b4d9b1377bd53dd82ddf4c0bc75ed6bbf";

function nodePair(algorithm: KeyAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  return algorithm === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
}

describe("KeyPair", () => {
  for (const algorithm of ["ed25519", "secp256r1"] as const) {
    it(`signs with what it generated as its bytes, read anew, do: ${algorithm}`, async () => {
      for (const pair of [KeyPair.generateSync(algorithm), await KeyPair.generate(algorithm)]) {
        const bytes = pair.privateKey.revealBytes();
        const again = KeyPair.fromSync(PrivateKey.fromBytes(algorithm, bytes));
        assert.ok(again.publicKey.equals(pair.publicKey));
        // What was revealed is a copy.
        bytes.fill(1);
        for (const key of [pair.privateKey, again.privateKey]) {
          assert.ok(pair.publicKey.verifySync(MESSAGE, key.signSync(MESSAGE)));
        }
      }
    });
  }
});

describe("PublicKey", () => {
  it("parses and prints the keys of the official samples, in either case", () => {
    for (const text of [ROOT_PUBLIC, P256_PUBLIC]) {
      assert.equal(PublicKey.parse(text).toString(), text);
      assert.equal(JSON.stringify(PublicKey.parse(text)), JSON.stringify(text));
      const [algorithm = "", digits = ""] = text.split("/");
      assert.equal(PublicKey.parse(`${algorithm}/${digits.toUpperCase()}`).toString(), text);
    }
  });

  for (const algorithm of ALGORITHMS) {
    it(`reads DER, PEM and JWK of ${algorithm} that node:crypto writes, and the reverse`, () => {
      const { publicKey } = nodePair(algorithm);
      const der = Uint8Array.from(publicKey.export({ format: "der", type: "spki" }));
      const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
      const jwk = publicKey.export({ format: "jwk" });
      const key = PublicKey.fromDer(der);
      assert.equal(key.algorithm, algorithm);
      assert.ok(PublicKey.fromPem(pem).equals(key));
      assert.ok(PublicKey.fromJwk(jwk).equals(key));
      assert.ok(PublicKey.parse(key.toString()).equals(key));
      assert.deepEqual(key.toDer(), der);
      assert.equal(key.toPem(), pem);
      assert.ok(createPublicKey({ format: "jwk", key: { ...key.toJwk() } }).equals(publicKey));
    });
  }

  it("reads a SubjectPublicKeyInfo with a compressed point", () => {
    const key = PublicKey.parse(P256_PUBLIC);
    const header = bytes("3039301306072a8648ce3d020106082a8648ce3d030107032200");
    assert.ok(PublicKey.fromDer(Uint8Array.of(...header, ...key.toBytes())).equals(key));
  });

  it("hands out copies of its bytes", () => {
    const key = PublicKey.parse(ROOT_PUBLIC);
    key.toBytes().fill(0);
    assert.equal(key.toString(), ROOT_PUBLIC);
    const source = key.toBytes();
    const copy = PublicKey.fromBytes("ed25519", source);
    source.fill(0);
    assert.ok(copy.equals(key));
  });

  const { x, y } = PublicKey.parse(P256_PUBLIC).toJwk();
  const refused: readonly { id: string; build: () => PublicKey; code: string }[] = [
    { id: "no algorithm", build: () => PublicKey.parse("00"), code: "unsupported_algorithm" },
    { id: "an unknown algorithm", build: () => PublicKey.parse("rsa/00"), code: "unsupported_algorithm" },
    { id: "private key text", build: () => PublicKey.parse(ROOT_PRIVATE), code: "unsupported_algorithm" },
    { id: "odd hexadecimal", build: () => PublicKey.parse(`${ROOT_PUBLIC}0`), code: "invalid_key" },
    { id: "a space", build: () => PublicKey.parse(`${ROOT_PUBLIC} `), code: "invalid_key" },
    { id: "31 bytes", build: () => PublicKey.parse(ROOT_PUBLIC.slice(0, -2)), code: "invalid_key_size" },
    { id: "33 bytes", build: () => PublicKey.parse(`${ROOT_PUBLIC}00`), code: "invalid_key_size" },
    {
      id: "an Ed25519 key under the name of P-256",
      build: () => PublicKey.parse(ROOT_PUBLIC.replace("ed25519", "secp256r1")),
      code: "invalid_key_size",
    },
    {
      id: "a P-256 point off the curve",
      build: () => PublicKey.fromJwk({ kty: "EC", crv: "P-256", x, y: x }),
      code: "invalid_key",
    },
    { id: "a JWK that is a string", build: () => PublicKey.fromJwk("{}"), code: "invalid_key" },
    {
      id: "a JWK of P-384",
      build: () => PublicKey.fromJwk({ kty: "EC", crv: "P-384", x, y }),
      code: "unsupported_algorithm",
    },
    {
      id: "a JWK for encryption",
      build: () => PublicKey.fromJwk({ kty: "EC", crv: "P-256", x, y, use: "enc" }),
      code: "invalid_key",
    },
    {
      id: "a JWK with its private member",
      build: () => PublicKey.fromJwk({ kty: "EC", crv: "P-256", x, y, d: x }),
      code: "invalid_key",
    },
    {
      id: "inherited JWK members",
      build: () => PublicKey.fromJwk(Object.create({ kty: "EC", crv: "P-256", x, y })),
      code: "unsupported_algorithm",
    },
    {
      id: "a PEM private key",
      build: () => PublicKey.fromPem(PrivateKey.parse(ROOT_PRIVATE).revealPem()),
      code: "invalid_key",
    },
  ];
  for (const { id, build, code } of refused) {
    it(`refuses ${id}`, () => {
      assert.throws(build, { name: "KeyError", code });
    });
  }

  for (const algorithm of ALGORITHMS) {
    it(`refuses every truncation and any extension of ${algorithm} DER`, () => {
      const der = Uint8Array.from(nodePair(algorithm).publicKey.export({ format: "der", type: "spki" }));
      for (let length = 0; length < der.length; length++) {
        assert.throws(() => PublicKey.fromDer(der.subarray(0, length)), { name: "KeyError" }, `${length} bytes`);
      }
      assert.throws(() => PublicKey.fromDer(Uint8Array.of(...der, 0)), { name: "KeyError" });
    });
  }

  it("refuses DER with lengths that are not the shortest, and with an RSA key", () => {
    const der = PublicKey.parse(ROOT_PUBLIC).toDer();
    assert.throws(() => PublicKey.fromDer(Uint8Array.of(0x30, 0x81, ...der.subarray(1))), { code: "invalid_key" });
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    assert.throws(() => PublicKey.fromDer(publicKey.export({ format: "der", type: "spki" })), { name: "KeyError" });
  });
});

describe("PrivateKey", () => {
  for (const name of NAMES) {
    it(`derives the public key of the official samples (${name})`, async () => {
      const key = await PrivateKey.parse(ROOT_PRIVATE).publicKey(provider(name));
      assert.equal(key.toString(), ROOT_PUBLIC);
    });
  }

  for (const algorithm of ALGORITHMS) {
    it(`reads PKCS#8 and JWK of ${algorithm} that node:crypto writes, and the reverse`, async () => {
      const node = nodePair(algorithm);
      const der = Uint8Array.from(node.privateKey.export({ format: "der", type: "pkcs8" }));
      const pem = node.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
      const key = PrivateKey.fromDer(der);
      assert.equal(PrivateKey.fromPem(pem).revealText(), key.revealText());
      assert.equal(PrivateKey.fromJwk(node.privateKey.export({ format: "jwk" })).revealText(), key.revealText());
      assert.equal(PrivateKey.parse(key.revealText()).revealText(), key.revealText());
      const publicKey = await key.publicKey();
      assert.ok(publicKey.equals(PublicKey.fromDer(node.publicKey.export({ format: "der", type: "spki" }))));
      assert.ok(createPrivateKey(key.revealPem()).equals(node.privateKey));
      assert.ok(createPrivateKey({ format: "jwk", key: { ...key.revealJwk(publicKey) } }).equals(node.privateKey));
      const whole = PrivateKey.fromDer(key.revealDer(publicKey));
      assert.ok((await whole.publicKey()).equals(publicKey));
    });
  }

  it("writes the Ed25519 form of PKCS#8 version 1 and 2 that RFC 8410 section 10.3 shows", () => {
    const key = PrivateKey.fromBytes(
      "ed25519",
      bytes("d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842"),
    );
    const v1 = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
    assert.equal(key.revealPem(), `-----BEGIN PRIVATE KEY-----\n${v1}\n-----END PRIVATE KEY-----\n`);
    const publicKey = key.publicKeySync();
    assert.equal(hex(publicKey.toBytes()), "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
    assert.equal(hex(key.revealDer(publicKey).subarray(0, 5)), "3051020101");
  });

  it("reads version 2 with attributes, as RFC 8410 section 10.3 shows", () => {
    const pem = `-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----`;
    assert.equal(
      PrivateKey.fromPem(pem).publicKeySync().toString(),
      "ed25519/19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
    );
  });

  for (const algorithm of ALGORITHMS) {
    it(`refuses ${algorithm} whose encoding states another public key`, async () => {
      const [key, other] = [seedBytes(1), seedBytes(2)].map((seed) => PrivateKey.fromBytes(algorithm, seed));
      assert.ok(key && other);
      const wrong = await other.publicKey();
      const error = { name: "KeyError", code: "invalid_key" };
      await assert.rejects(PrivateKey.fromDer(key.revealDer(wrong)).publicKey(), error);
      assert.throws(() => PrivateKey.fromJwk(key.revealJwk(wrong)).publicKeySync(), error);
    });
  }

  const refused: readonly { id: string; build: () => PrivateKey; code: string }[] = [
    { id: "public key text", build: () => PrivateKey.parse(ROOT_PUBLIC), code: "unsupported_algorithm" },
    { id: "31 bytes", build: () => PrivateKey.fromBytes("ed25519", new Uint8Array(31)), code: "invalid_key_size" },
    { id: "a P-256 key of 0", build: () => PrivateKey.fromBytes("secp256r1", new Uint8Array(32)), code: "invalid_key" },
    {
      id: "a P-256 key above the order",
      build: () => PrivateKey.fromBytes("secp256r1", new Uint8Array(32).fill(0xff)),
      code: "invalid_key",
    },
    {
      id: "version 1 with a public key",
      build: () => {
        const key = PrivateKey.parse(ROOT_PRIVATE);
        const der = key.revealDer(PublicKey.parse(ROOT_PUBLIC));
        der[4] = 0;
        return PrivateKey.fromDer(der);
      },
      code: "invalid_key",
    },
    {
      id: "an ECPrivateKey whose version only begins with 1",
      build: () => {
        const der = hex(PrivateKey.fromBytes("secp256r1", seedBytes(1)).revealDer());
        // The version takes a byte more, and so do the three values around it.
        const longer = der
          .replace("0201010420", "020201000420")
          .replace(/^3041/, "3042")
          .replace("04273025", "04283026");
        return PrivateKey.fromDer(bytes(longer));
      },
      code: "invalid_key",
    },
    {
      id: "a JWK without its private member",
      build: () => PrivateKey.fromJwk(PublicKey.parse(ROOT_PUBLIC).toJwk()),
      code: "invalid_key_size",
    },
  ];
  for (const { id, build, code } of refused) {
    it(`refuses ${id}`, () => {
      assert.throws(build, { name: "KeyError", code });
    });
  }

  it("shows its bytes nowhere but through reveal", () => {
    const key = PrivateKey.parse(ROOT_PRIVATE);
    const secret = hex(key.revealBytes());
    const pair = KeyPair.fromSync(key);
    const shown = [
      `${key}`,
      JSON.stringify({ key, pair }),
      inspect({ key, pair }, { depth: 9, showHidden: true }),
      String(key),
    ];
    for (const text of shown) {
      assert.ok(!text.includes(secret), text);
      assert.ok(!text.includes(String(key.revealBytes())), text);
    }
    assert.equal(`${key}`, "ed25519-private/[redacted]");
    assert.match(inspect(key), /redacted/);
    assert.deepEqual(Object.keys(key), ["algorithm"]);
    assert.throws(
      () => PrivateKey.parse(`${ROOT_PRIVATE}zz`),
      (error: Error) => !error.message.includes(secret.slice(0, 8)),
    );
  });
});

describe("KeyPair", () => {
  for (const algorithm of ALGORITHMS) {
    it(`generates ${algorithm} pairs that sign and verify`, async () => {
      for (const pair of [await KeyPair.generate(algorithm), KeyPair.generateSync(algorithm)]) {
        assert.equal(pair.algorithm, algorithm);
        const signature = await pair.privateKey.sign(MESSAGE);
        assert.equal(await pair.publicKey.verify(MESSAGE, signature), true);
        assert.equal(pair.publicKey.verifySync(MESSAGE, pair.privateKey.signSync(MESSAGE)), true);
        assert.ok((await KeyPair.from(pair.privateKey)).publicKey.equals(pair.publicKey));
      }
    });
  }

  it("says so when the provider has no synchronous form", () => {
    const error = { name: "KeyError", code: "no_sync_crypto" };
    const web = provider("webcrypto");
    const key = PrivateKey.parse(ROOT_PRIVATE);
    assert.throws(() => KeyPair.generateSync("ed25519", web), error);
    assert.throws(() => KeyPair.fromSync(key, web), error);
    assert.throws(() => key.signSync(MESSAGE, web), error);
    assert.throws(() => PublicKey.parse(ROOT_PUBLIC).verifySync(MESSAGE, new Uint8Array(64), web), error);
  });
});

describe("parseBiscuitWebKeys", () => {
  const digits = "63c7a8628c14b778a4b66a22e1f53dab4542423295b6fb5a52283da58bcf6d9a";
  const entry = { algorithm: "ed25519", key_bytes: digits, key_id: 12 };

  it("reads all members, and formatBiscuitWebKeys writes them", () => {
    const [key] = parseBiscuitWebKeys([{ ...entry, expires_at: "2023-06-28T11:20:00+02:00", issuer: "test", more: 1 }]);
    assert.ok(key);
    assert.equal(key.publicKey.toString(), `ed25519/${digits}`);
    assert.deepEqual([key.keyId, key.issuer, key.expiresAt], [12, "test", Date.UTC(2023, 5, 28, 9, 20)]);
    assert.deepEqual(formatBiscuitWebKeys([key]), [
      { ...entry, issuer: "test", expires_at: "2023-06-28T09:20:00.000Z" },
    ]);
  });

  it("takes null for absent, and the greatest key id", () => {
    const [key] = parseBiscuitWebKeys([{ ...entry, key_id: 4294967295, issuer: null, expires_at: null }]);
    assert.deepEqual(Object.keys(key ?? {}), ["publicKey", "keyId"]);
    assert.equal(key?.keyId, 4294967295);
  });

  const refused: readonly { id: string; set: unknown }[] = [
    { id: "an object", set: entry },
    { id: "an entry that is null", set: [null] },
    { id: "an unknown algorithm", set: [{ ...entry, algorithm: "invalid" }] },
    { id: "no key id", set: [{ algorithm: "ed25519", key_bytes: digits }] },
    { id: "a key id of 2^32", set: [{ ...entry, key_id: 4294967296 }] },
    { id: "a fractional key id", set: [{ ...entry, key_id: 1.5 }] },
    { id: "bytes that are not hexadecimal", set: [{ ...entry, key_bytes: "zz" }] },
    { id: "a small-order key", set: [{ ...entry, key_bytes: "00".repeat(32) }] },
    { id: "a date without a zone", set: [{ ...entry, expires_at: "2023-06-28T11:20:00" }] },
    { id: "a date that is none", set: [{ ...entry, expires_at: "2023-13-28T11:20:00Z" }] },
    { id: "the 30th of February", set: [{ ...entry, expires_at: "2023-02-30T11:20:00Z" }] },
    { id: "hour 24", set: [{ ...entry, expires_at: "2023-02-28T24:00:00Z" }] },
    { id: "an issuer that is a number", set: [{ ...entry, issuer: 1 }] },
  ];
  for (const { id, set } of refused) {
    it(`refuses ${id}`, () => {
      assert.throws(() => parseBiscuitWebKeys(set), { name: "KeyError" });
    });
  }
});
