import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  Authorizer,
  Biscuit,
  BiscuitError,
  type CryptoProvider,
  datalog,
  fact,
  KeyPair,
  type Limits,
  restoreSnapshot,
  SignatureCache,
  takeSnapshot,
} from "@countersign/biscuit";
import { defaultProvider } from "../src/crypto/node.ts";
import { SymbolTable } from "../src/datalog/symbols.ts";
import { readContainer, writeContainer } from "../src/format/wrapper.ts";
import { forgeToken, rawBlock, rootKey, thirdKey } from "./forge.ts";

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof BiscuitError && error.code === code;

const { verifySync = () => assert.fail("node:crypto is synchronous too") } = defaultProvider;

/** A provider that counts verifications. */
function countingProvider(): { readonly provider: CryptoProvider; readonly count: () => number } {
  let count = 0;
  const provider: CryptoProvider = {
    ...defaultProvider,
    verify: (...call) => {
      count++;
      return defaultProvider.verify(...call);
    },
    verifySync: (...call) => {
      count++;
      return verifySync(...call);
    },
  };
  return { provider, count: () => count };
}

/** The same token with one bit of the signature of its first block changed. */
function withBadSignature(bytes: Uint8Array): Uint8Array {
  const container = readContainer(bytes);
  const [authority, ...others] = container.blocks;
  const signature = authority.signature.slice();
  signature[5] = (signature[5] ?? 0) ^ 1;
  return writeContainer({ ...container, blocks: [{ ...authority, signature }, ...others] });
}

const token = Biscuit.builder().code(`right("file1", "read");`).rootKeyId(5).buildSync(rootKey);
const narrow = token.attenuateSync(`check if operation("read");`);

describe("Biscuit", () => {
  it("asks the key provider with the root key id, and refuses when it has no key", async () => {
    const asked: (number | undefined)[] = [];
    const verified = await Biscuit.parse(token.toBytes()).verify(async (id) => {
      asked.push(id);
      return rootKey.publicKey;
    });
    assert.deepEqual([asked, verified.rootKeyId], [[5], 5]);
    await assert.rejects(
      Biscuit.parse(token.toBytes()).verify(() => undefined),
      hasCode("unknown_root_key"),
    );
    assert.throws(
      () => Biscuit.parse(token.toBytes()).verifySync(async () => rootKey.publicKey),
      hasCode("no_sync_crypto"),
    );
  });

  it("says so where cryptography is asynchronous only", () => {
    const { verify, sign, generateKeyPair, publicKeyOf } = defaultProvider;
    const crypto: CryptoProvider = { verify, sign, generateKeyPair, publicKeyOf };
    assert.throws(
      () => Biscuit.parse(token.toBytes()).verifySync(rootKey.publicKey, { crypto }),
      hasCode("no_sync_crypto"),
    );
    assert.throws(() => token.attenuateSync("a(1);", { crypto }), hasCode("no_sync_crypto"));
  });

  it("shows no credential when it is printed", () => {
    const secret = Buffer.from(token.toBytes()).toString("base64url").slice(40, 80);
    for (const value of [token, Biscuit.parse(token.toBytes())]) {
      for (const text of [String(value), JSON.stringify(value), inspect(value)])
        assert.ok(!text.includes(secret), text);
    }
  });

  it("is not changed by its attenuation, nor by the caller's bytes", () => {
    const bytes = token.toBytes();
    const parsed = Biscuit.parse(bytes);
    bytes.fill(0);
    assert.deepEqual(parsed.verifySync(rootKey.publicKey).toBytes(), token.toBytes());
    assert.deepEqual([token.blockCount, narrow.blockCount], [1, 2]);
  });

  it("carries secp256r1 next keys, with payload version 1 from there on", async () => {
    const mixed = await (await token.attenuate("a(1);", { nextKeyAlgorithm: "secp256r1" })).attenuate("b(1);");
    assert.equal((await Biscuit.parse(mixed.toBase64()).verify(rootKey.publicKey)).blockCount, 3);
    assert.deepEqual(mixed.normalizedRevocationIds.length, 3);
  });

  it("takes an ephemeral key pair that was kept ready", () => {
    const nextKeyPair = KeyPair.generateSync();
    const made = Biscuit.builder().code("a(1);").buildSync(rootKey, { nextKeyPair });
    assert.equal(Biscuit.parse(made.toBytes()).verifySync(rootKey.publicKey).blockCount, 1);
  });

  it("does not give its holder a key that signs a block of it", async () => {
    const [one, two] = [KeyPair.generateSync(), KeyPair.generateSync()];
    const builder = Biscuit.builder().code("a(1);");
    assert.throws(() => builder.buildSync(rootKey, { nextKeyPair: rootKey }), hasCode("invalid_key"));
    const made = builder.buildSync(rootKey, { nextKeyPair: one });
    await assert.rejects(made.attenuate("check if false;", { nextKeyPair: one }), hasCode("invalid_key"));
    const narrower = made.attenuateSync("check if false;", { nextKeyPair: two });
    assert.throws(() => narrower.attenuateSync("b(1);", { nextKeyPair: one }), hasCode("invalid_key"));
  });

  it("cannot hold a policy, an unsafe root key id, or a fact with a bad name", () => {
    assert.throws(() => Biscuit.builder().code("allow if true;"), hasCode("invalid_value"));
    assert.throws(() => Biscuit.builder().rootKeyId(2 ** 32), RangeError);
    assert.throws(() => fact('a("x"); b', 1), hasCode("invalid_value"));
    assert.throws(() => fact("a"), hasCode("invalid_value"));
  });

  it("fills the same text with other values each time, and knows no values of the time before", () => {
    const source = (user?: string): string => {
      const builder = Biscuit.builder().code("user({user});", user === undefined ? {} : { user });
      return builder.toString();
    };
    assert.deepEqual([source("alice"), source("bob")], [`user("alice");\n`, `user("bob");\n`]);
    assert.throws(() => Biscuit.builder().code("user({user});").buildSync(rootKey), BiscuitError);
  });

  it("UnverifiedBiscuit can be narrowed without the root key", async () => {
    const unverified = await Biscuit.parse(token.toBase64()).attenuate(`check if operation("read");`);
    const verified = await unverified.verify(rootKey.publicKey);
    assert.equal(verified.blocks[1]?.source, `check if operation("read");\n`);
  });
});

describe("UnverifiedBiscuit.verify", () => {
  const unreadable = forgeToken([{ data: rawBlock({ version: 9 }) }]);
  const container = readContainer(unreadable);
  const badProof = writeContainer({ ...container, proof: { kind: "secret", secret: new Uint8Array(32).fill(1) } });
  const cases = [
    { id: "signature before content", bytes: withBadSignature(unreadable), expect: "invalid_signature" },
    { id: "proof before content", bytes: badProof, expect: "proof_key" },
    { id: "content of a token whose signatures hold", bytes: unreadable, expect: "version" },
  ];
  for (const { id, bytes, expect } of cases) {
    it(`judges in the same order whatever is done at once: ${id}`, async () => {
      const unverified = Biscuit.parse(bytes);
      await assert.rejects(unverified.verify(rootKey.publicKey), hasCode(expect));
      assert.throws(() => unverified.verifySync(rootKey.publicKey), hasCode(expect));
    });
  }

  const long = token.attenuateSync(`a("${"x".repeat(5000)}");`);
  for (const { id, bytes, expect } of [
    { id: "decodes a short token while it checks the signatures", bytes: narrow.toBytes(), expect: 2 },
    { id: "does not decode a long forged token", bytes: long.toBytes(), expect: 0 },
  ]) {
    it(id, async (t) => {
      const extend = t.mock.method(SymbolTable.prototype, "extend");
      await assert.rejects(
        Biscuit.parse(withBadSignature(bytes)).verify(rootKey.publicKey),
        hasCode("invalid_signature"),
      );
      assert.equal(extend.mock.callCount(), expect);
    });
  }

  it("stops at the first false signature where one follows the other", () => {
    const { provider, count } = countingProvider();
    assert.throws(
      () =>
        Biscuit.parse(withBadSignature(narrow.toBytes())).verifySync(rootKey.publicKey, {
          crypto: provider,
        }),
      hasCode("invalid_signature"),
    );
    assert.equal(count(), 1);
  });
});

describe("SignatureCache", () => {
  it("knows a signature under its key and message only", () => {
    const cache = new SignatureCache();
    const [message, signature] = [Uint8Array.of(1, 2), new Uint8Array(64).fill(7)];
    cache.add(rootKey.publicKey, message, signature);
    assert.equal(cache.has(rootKey.publicKey, message, signature), true);
    assert.equal(cache.has(thirdKey.publicKey, message, signature), false);
    assert.equal(cache.has(rootKey.publicKey, Uint8Array.of(1, 3), signature), false);
    assert.equal(cache.has(rootKey.publicKey, new Uint8Array(), signature), false);
    const other = Uint8Array.of(8, ...signature.subarray(1));
    assert.equal(cache.has(rootKey.publicKey, message, other), false);
    cache.add(rootKey.publicKey, message, other);
    assert.equal(cache.has(rootKey.publicKey, message, other), true);
  });

  it("keeps no message of more than 4 kB, and a whole token once it comes again", async () => {
    const cache = new SignatureCache();
    const long = Biscuit.builder()
      .code(`a("${"x".repeat(5000)}");`)
      .buildSync(rootKey);
    await Biscuit.parse(long.toBytes()).verify(rootKey.publicKey, { cache });
    // The proof at the end is kept.
    assert.equal(cache.size, 1);
    const seen: Biscuit[] = [];
    for (let i = 0; i < 4; i++) seen.push(Biscuit.parse(token.toBytes()).verifySync(rootKey.publicKey, { cache }));
    assert.deepEqual(
      seen.map((each) => each === seen[1]),
      [false, true, true, true],
    );
  });

  it("keeps as many whole tokens as their bytes and text, each mention counted, have room", () => {
    const mint = (code: string): Uint8Array => Biscuit.builder().code(code).buildSync(rootKey).toBytes();
    // Four signatures, and one whole token of 1 kB.
    const cache = new SignatureCache(4);
    const verified = (bytes: Uint8Array): Biscuit => Biscuit.parse(bytes).verifySync(rootKey.publicKey, { cache });
    const keep = (bytes: Uint8Array): Biscuit | undefined => [verified(bytes), verified(bytes)][1];
    const bytes = mint(`a("${"x".repeat(300)}");`);
    const kept = keep(bytes);
    assert.equal(verified(bytes), kept);
    keep(mint(`a("${"y".repeat(300)}");`));
    assert.notEqual(verified(bytes), kept);
    const facts = Array.from({ length: 14 }, (_, i) => `a(${i}, "${"z".repeat(300)}");`).join("");
    const dense = mint(facts);
    assert.ok(dense.length < 1024);
    assert.notEqual(keep(dense), verified(dense));
  });

  it("does not carry a token past a narrower limit on text", () => {
    const bytes = Biscuit.builder()
      .code(`a("${"x".repeat(100)}");`)
      .buildSync(rootKey)
      .toBytes();
    const cache = new SignatureCache();
    for (let i = 0; i < 3; i++) Biscuit.parse(bytes).verifySync(rootKey.publicKey, { cache });
    assert.throws(
      () => Biscuit.parse(bytes, { maxText: 50 }).verifySync(rootKey.publicKey, { cache }),
      hasCode("text"),
    );
  });

  it("spares what was verified, and verifies only what is new", async () => {
    const { provider, count } = countingProvider();
    const options = { crypto: provider, cache: new SignatureCache() };
    await Biscuit.parse(token.toBytes()).verify(rootKey.publicKey, options);
    await Biscuit.parse(token.toBytes()).verify(rootKey.publicKey, options);
    assert.equal(count(), 1);
    await Biscuit.parse(narrow.toBytes()).verify(rootKey.publicKey, options);
    assert.equal(count(), 2);
  });

  it("does not take one root key for another", async () => {
    const cache = new SignatureCache();
    // The second time it is kept whole.
    for (let i = 0; i < 2; i++) await Biscuit.parse(token.toBytes()).verify(rootKey.publicKey, { cache });
    await assert.rejects(
      Biscuit.parse(token.toBytes()).verify(thirdKey.publicKey, { cache }),
      hasCode("invalid_signature"),
    );
  });

  it("keeps no failure, and no more than its capacity", async () => {
    const { provider, count } = countingProvider();
    const options = { crypto: provider, cache: new SignatureCache(1) };
    for (let i = 0; i < 2; i++) {
      await assert.rejects(Biscuit.parse(token.toBytes()).verify(thirdKey.publicKey, options));
    }
    assert.deepEqual([count(), options.cache.size], [2, 0]);
    const other = Biscuit.builder().code("b(1);").buildSync(rootKey);
    for (const each of [token, other, token]) await Biscuit.parse(each.toBytes()).verify(rootKey.publicKey, options);
    assert.deepEqual([count(), options.cache.size], [5, 1]);
    assert.throws(() => new SignatureCache(0), RangeError);
  });
});

describe("Authorizer", () => {
  it("serves many tokens and keeps nothing of them", () => {
    const authorizer = new Authorizer(`allow if right($f, "read"), resource($f);`);
    const other = Biscuit.builder().code(`right("file2", "read");`).buildSync(rootKey);
    const verdict = (which: Biscuit, file: string): boolean =>
      authorizer.authorize(which, { facts: [fact("resource", file)] }).allowed;
    assert.deepEqual(
      [verdict(token, "file1"), verdict(token, "file2"), verdict(other, "file2"), verdict(other, "file1")],
      [true, false, true, false],
    );
  });

  it("puts policies of a request after its own", () => {
    const authorizer = new Authorizer(`deny if blocked($u), user($u);`);
    const request = (user: string) => ({ code: datalog`user(${user}); blocked("eve"); allow if true;` });
    assert.equal(authorizer.authorize(token, request("bob")).allowed, true);
    const denied = authorizer.authorize(token, request("eve"));
    assert.deepEqual([denied.allowed, denied.policy?.kind, denied.policy?.index], [false, "deny", 0]);
    assert.throws(() => denied.assertAllowed(), hasCode("unauthorized"));
  });

  it("decides without a token", () => {
    assert.equal(new Authorizer("allow if true;").authorizeWithoutToken().allowed, true);
    assert.throws(() => new Authorizer("").authorizeWithoutToken().assertAllowed(), hasCode("no_matching_policy"));
  });

  it("refuses limits that are no positive integers", () => {
    for (const fuel of [0, -1, 1.5, Number.NaN])
      assert.throws(() => new Authorizer("", { limits: { fuel } }), RangeError);
    const misspelt = { feul: 10 } as Partial<Limits>;
    assert.throws(() => new Authorizer("", { limits: misspelt }), RangeError);
    assert.throws(() => Biscuit.parse(token.toBytes(), misspelt), RangeError);
  });

  it("query sees the authority, queryAll every block", () => {
    const evaluation = new Authorizer("").evaluate(token.attenuateSync(`right("file9", "read");`));
    const files = (results: readonly { readonly terms: readonly unknown[] }[]): unknown[] =>
      results.map(({ terms }) => terms[0]).sort();
    assert.deepEqual(files(evaluation.query("f($f) <- right($f, $o)")), ["file1"]);
    assert.deepEqual(files(evaluation.queryAll("f($f) <- right($f, $o)")), ["file1", "file9"]);
    assert.deepEqual(files(evaluation.query("f($f) <- right($f, {op})", { op: "write" })), []);
  });
});

describe("restoreSnapshot", () => {
  it("keeps third parties, origins and scopes", () => {
    const block = token.thirdPartyRequest().createBlockSync(thirdKey, `member("admins");`);
    const extended = token.appendThirdPartySync(thirdKey.publicKey, block);
    const authorizer = new Authorizer(datalog`allow if member("admins") trusting ${thirdKey.publicKey};`);
    const evaluation = authorizer.evaluate(extended);
    const restored = restoreSnapshot(Buffer.from(takeSnapshot(evaluation)).toString("base64"));
    assert.deepEqual(restored.decide().toRustJson(), { Ok: 0 });
    assert.deepEqual(restored.dump(), evaluation.dump());
  });

  it("runs again what had not been finished", () => {
    const bomb = "p(0); n(0, 1); n(1, 2); n(2, 3); p($y) <- p($x), n($x, $y); allow if p(3);";
    const stopped = new Authorizer(bomb, { limits: { maxIterations: 2 } }).evaluateWithoutToken();
    assert.equal(stopped.error?.code, "iterations");
    const restored = restoreSnapshot(takeSnapshot(stopped), { limits: { maxIterations: 100 } });
    assert.equal(restored.decide().allowed, true);
  });

  it("refuses every truncation", () => {
    const bytes = takeSnapshot(new Authorizer("a(1); allow if a(1);").evaluate(token));
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => restoreSnapshot(bytes.slice(0, length)), BiscuitError, `length ${length}`);
    }
  });
});
