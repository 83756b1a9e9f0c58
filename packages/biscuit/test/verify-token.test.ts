import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Biscuit,
  BiscuitError,
  type CryptoProvider,
  KeyPair,
  SignatureCache,
  type VerifyTokenOptions,
  verifyToken,
  verifyTokenSync,
} from "@countersign/biscuit";
import { rootKey, thirdKey } from "./forge.ts";

const token = Biscuit.builder()
  .code(`a("${"x".repeat(100)}"); check if true;`)
  .rootKeyId(7)
  .buildSync(rootKey)
  .attenuateSync("check if true;");
const bytes = token.toBytes();
const vouched = token
  .appendThirdPartySync(thirdKey.publicKey, token.thirdPartyRequest().createBlockSync(thirdKey, "b(1);"))
  .toBytes();

/** A cache that holds the token whole, as after its second visit. */
function knowingCache(): SignatureCache {
  const cache = new SignatureCache();
  for (const each of [bytes, bytes, vouched, vouched]) verifyTokenSync(each, rootKey.publicKey, { cache });
  return cache;
}

const caches: readonly { readonly id: string; readonly make: () => SignatureCache | undefined }[] = [
  { id: "without a cache", make: () => undefined },
  { id: "with a new cache", make: () => new SignatureCache() },
  { id: "with a cache that knows the token", make: knowingCache },
];

function changed(): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}

interface Row {
  readonly id: string;
  readonly token?: Uint8Array | string;
  readonly root?: Parameters<typeof verifyToken>[1];
  readonly options?: VerifyTokenOptions;
  /** The code of the error, or `undefined` where the token is good. */
  readonly expect: string | undefined;
}

const rows: readonly Row[] = [
  { id: "bytes", expect: undefined },
  { id: "a Buffer", token: Buffer.from(bytes), expect: undefined },
  { id: "text", token: token.toBase64(), expect: undefined },
  { id: "text with the prefix", token: `biscuit:${token.toBase64()}`, expect: undefined },
  {
    id: "a key chosen by the id in the token",
    root: (id) => (id === 7 ? rootKey.publicKey : undefined),
    expect: undefined,
  },
  { id: "no key for the id", root: () => undefined, expect: "unknown_root_key" },
  { id: "another root key", root: thirdKey.publicKey, expect: "invalid_signature" },
  { id: "another root key, chosen by the id", root: () => thirdKey.publicKey, expect: "invalid_signature" },
  { id: "a proof with one bit changed", token: changed(), expect: "proof_key" },
  { id: "no token", token: Uint8Array.of(1, 2, 3), expect: "bytes" },
  { id: "a narrower limit on text", options: { limits: { maxText: 50 } }, expect: "text" },
  { id: "a narrower limit on blocks", options: { limits: { maxBlocks: 1 } }, expect: "blocks" },
  {
    id: "a narrower limit on blocks, one of which a third party signed",
    token: vouched,
    options: { limits: { maxBlocks: 3 } },
    expect: "blocks",
  },
  { id: "a narrower limit on bytes", options: { limits: { maxTokenBytes: 100 } }, expect: "token_bytes" },
];

describe("verifyToken", () => {
  for (const { id: place, make } of caches) {
    for (const { id, token: given = bytes, root = rootKey.publicKey, options, expect } of rows) {
      it(`${id}, ${place}: ${expect ?? "is good"}`, async () => {
        const verify = {
          sync: async (all: VerifyTokenOptions) => verifyTokenSync(given, root, all),
          async: (all: VerifyTokenOptions) => verifyToken(given, root, all),
        };
        for (const form of Object.values(verify)) {
          const outcome = form({ ...options, cache: make() });
          if (expect === undefined) assert.deepEqual((await outcome).toBytes(), bytes);
          else await assert.rejects(outcome, (error) => error instanceof BiscuitError && error.code === expect);
        }
      });
    }
  }

  it("gives a token that the cache knows as it is, without any cryptography", async () => {
    const crypto: CryptoProvider = new Proxy({} as CryptoProvider, {
      get: () => assert.fail("the provider was asked"),
    });
    const cache = knowingCache();
    const known = verifyTokenSync(bytes, rootKey.publicKey, { cache });
    assert.equal(verifyTokenSync(bytes, rootKey.publicKey, { cache, crypto }), known);
    assert.equal(await verifyToken(token.toBase64(), rootKey.publicKey, { cache, crypto }), known);
  });

  for (const { id, make } of caches) {
    it(`verifies the bytes that it was given, whatever their owner writes later, ${id}`, async () => {
      const { publicKey } = await KeyPair.generate();
      for (const root of [rootKey.publicKey, publicKey, async () => rootKey.publicKey, async () => publicKey]) {
        const buffer = Buffer.from(bytes);
        const outcome = verifyToken(buffer, root, { cache: make() });
        buffer.fill(0);
        const verified = await outcome.catch((error: BiscuitError) => error.code);
        assert.ok(verified === "invalid_signature" || (verified instanceof Biscuit && verified.blockCount === 2));
      }
    });
  }
});
