import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { strictProvider } from "../../src/crypto/strict-provider.ts";
import { KeyError } from "../../src/errors.ts";
import { ALGORITHMS, bytes, hex, MESSAGE, NAMES, provider, seedBytes } from "./providers.ts";

/** RFC 8032 section 7.1, tests 1 to 3. */
const RFC_8032 = [
  {
    secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    public: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    secret: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    public: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    secret: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    public: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
];

for (const name of NAMES) {
  describe(`${name} provider`, () => {
    for (const [i, vector] of RFC_8032.entries()) {
      it(`agrees with RFC 8032 section 7.1 test ${i + 1}`, async () => {
        const crypto = provider(name);
        const [secret, message] = [bytes(vector.secret), bytes(vector.message)];
        assert.equal(hex(await crypto.publicKeyOf("ed25519", secret)), vector.public);
        assert.equal(hex(await crypto.sign("ed25519", secret, message)), vector.signature);
        assert.equal(await crypto.verify("ed25519", bytes(vector.public), message, bytes(vector.signature)), true);
      });
    }

    for (const algorithm of ALGORITHMS) {
      it(`verifies ${algorithm} signatures of every other provider, and no changed one`, async () => {
        const crypto = provider(name);
        for (const other of NAMES) {
          const pair = await provider(other).generateKeyPair(algorithm);
          const signature = await provider(other).sign(algorithm, pair.privateKey, MESSAGE);
          assert.deepEqual(await crypto.publicKeyOf(algorithm, pair.privateKey), pair.publicKey, other);
          assert.equal(await crypto.verify(algorithm, pair.publicKey, MESSAGE, signature), true, other);
          const changed = signature.slice();
          changed[40] = (changed[40] ?? 0) ^ 1;
          assert.equal(await crypto.verify(algorithm, pair.publicKey, MESSAGE, changed), false, other);
          assert.equal(await crypto.verify(algorithm, pair.publicKey, MESSAGE.slice(1), signature), false, other);
        }
      });

      it(`answers the same synchronously for ${algorithm}, where it can`, async (t) => {
        const { verifySync, signSync, publicKeyOfSync, generateKeyPairSync } = provider(name);
        if (!verifySync || !signSync || !publicKeyOfSync || !generateKeyPairSync) {
          assert.equal(name, "webcrypto");
          t.skip("asynchronous only");
          return;
        }
        const pair = generateKeyPairSync(algorithm);
        const signature = signSync(algorithm, pair.privateKey, MESSAGE);
        assert.deepEqual(publicKeyOfSync(algorithm, pair.privateKey), pair.publicKey);
        assert.equal(verifySync(algorithm, pair.publicKey, MESSAGE, signature), true);
        assert.equal(verifySync(algorithm, pair.publicKey, MESSAGE.slice(1), signature), false);
      });

      it(`refuses ${algorithm} keys and signatures of any other length`, async () => {
        const crypto = provider(name);
        const secret = seedBytes(1);
        const key = await crypto.publicKeyOf(algorithm, secret);
        const signature = await crypto.sign(algorithm, secret, MESSAGE);
        assert.equal(await crypto.verify(algorithm, key.slice(1), MESSAGE, signature), false);
        assert.equal(await crypto.verify(algorithm, Uint8Array.of(...key, 0), MESSAGE, signature), false);
        assert.equal(await crypto.verify(algorithm, key, MESSAGE, signature.slice(1)), false);
        assert.equal(await crypto.verify(algorithm, key, MESSAGE, Uint8Array.of(...signature, 0)), false);
        assert.equal(await crypto.verify(algorithm, key, MESSAGE, new Uint8Array()), false);
        await assert.rejects(crypto.sign(algorithm, secret.slice(1), MESSAGE), KeyError);
        await assert.rejects(crypto.publicKeyOf(algorithm, Uint8Array.of(...secret, 1)), KeyError);
      });
    }

    it("signs with the bytes as they are now when the caller reuses an array", async () => {
      const crypto = provider(name);
      const secret = seedBytes(2);
      await crypto.sign("ed25519", secret, MESSAGE);
      secret.set(seedBytes(3));
      const key = await crypto.publicKeyOf("ed25519", seedBytes(3));
      assert.equal(await crypto.verify("ed25519", key, MESSAGE, await crypto.sign("ed25519", secret, MESSAGE)), true);
    });
  });
}

describe("strictProvider", () => {
  it("returns a provider that is strict already as it is", () => {
    assert.equal(strictProvider(provider("node")), provider("node"));
  });

  it("keeps the receiver of the provider's own methods", async () => {
    class Counting {
      calls = 0;
      async verify(): Promise<boolean> {
        this.calls++;
        return true;
      }
      sign = provider("node").sign;
      generateKeyPair = provider("node").generateKeyPair;
      publicKeyOf = provider("node").publicKeyOf;
    }
    const inner = new Counting();
    const crypto = strictProvider(inner);
    const key = await crypto.publicKeyOf("ed25519", seedBytes(1));
    const signature = await crypto.sign("ed25519", seedBytes(1), MESSAGE);
    assert.equal(await crypto.verify("ed25519", key, MESSAGE, signature), true);
    assert.equal(await crypto.verify("ed25519", new Uint8Array(32), MESSAGE, signature), false);
    assert.equal(inner.calls, 1);
  });
});
