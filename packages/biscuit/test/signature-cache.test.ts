import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Authorizer,
  Biscuit,
  BiscuitError,
  type CryptoProvider,
  KeyPair,
  SignatureCache,
  type TokenLimits,
  type UnverifiedBiscuit,
} from "@countersign/biscuit";
import { defaultProvider } from "../src/crypto/node.ts";
import { type Container, readContainer, type SignedBlock, writeContainer } from "../src/format/wrapper.ts";
import { type ForgedBlock, forgeToken, rawBlock, rootKey, thirdKey } from "./forge.ts";

const mint = (code: string): Biscuit => Biscuit.builder().code(code).buildSync(rootKey);

/** A cache that holds all blocks of a token as the beginning of others: two tokens were seen that narrow it. */
function cacheThatKnows(token: UnverifiedBiscuit): SignatureCache {
  const cache = new SignatureCache();
  const narrowed = [token, token.attenuateSync("check if true;"), token.attenuateSync("check if true;")];
  for (const each of narrowed) Biscuit.parse(each.toBytes()).verifySync(rootKey.publicKey, { cache });
  return cache;
}

function countingProvider(): { readonly crypto: CryptoProvider; readonly count: () => number } {
  let count = 0;
  const { verifySync = () => assert.fail("node:crypto is synchronous too") } = defaultProvider;
  const crypto: CryptoProvider = { ...defaultProvider, verifySync: (...call) => ++count > 0 && verifySync(...call) };
  return { crypto, count: () => count };
}

const base = mint(`user("alice"); right("file1", "read"); check if operation("read");`);
const vouched = base.appendThirdPartySync(
  thirdKey.publicKey,
  base.thirdPartyRequest().createBlockSync(thirdKey, `member("alice", "staff");`),
);

/** Beginnings whose decoding or whose chain differs in kind. */
const BEGINNINGS: Readonly<Record<string, Biscuit>> = {
  "one block": base,
  "blocks that refer to each other's symbols": base.attenuateSync(`right("file2", "read"); note("new words");`),
  "a block of a third party": vouched,
  "a block that names a key": base.attenuateSync(`check if user("alice") trusting ${thirdKey.publicKey};`),
  "a next key of P-256": base.attenuateSync("check if true;", { nextKeyAlgorithm: "secp256r1" }),
  "content of version 6": base.attenuateSync(`check if [1, 2].any($x -> $x > 1);`),
};

const NARROWINGS = [
  `check if user($u), right($f, "read"); note("later");`,
  `check if member($u, "staff") trusting ${thirdKey.publicKey};`,
  `check if operation("write");`,
];

const authorizer = new Authorizer(`operation("read"); allow if user("alice");`);

/** All that a verifier can see of a token. */
function facesOf(token: Biscuit): object {
  const evaluation = authorizer.evaluate(token);
  const { allowed, error, failedChecks, fuelUsed } = evaluation.decide();
  const { blocks, revocationIds, normalizedRevocationIds } = token;
  const bytes = token.toBytes();
  return {
    ...{ blocks, revocationIds, normalizedRevocationIds, bytes, dump: evaluation.dump() },
    ...{ allowed, error, failedChecks, fuelUsed },
  };
}

describe("a token that begins with known blocks", () => {
  for (const [id, beginning] of Object.entries(BEGINNINGS)) {
    it(`is what it is without a cache: ${id}`, () => {
      const cache = cacheThatKnows(Biscuit.parse(beginning.toBytes()));
      const sealed = beginning.attenuateSync("check if true;").sealSync();
      for (const token of [...NARROWINGS.map((code) => beginning.attenuateSync(code)), sealed]) {
        const bytes = token.toBytes();
        const expected = Biscuit.parse(bytes).verifySync(rootKey.publicKey);
        const verified = Biscuit.parse(bytes).verifySync(rootKey.publicKey, { cache });
        assert.deepEqual(facesOf(verified), facesOf(expected));
      }
    });
  }

  it("costs the signatures of what is new, and shares what was decoded", () => {
    const { crypto, count } = countingProvider();
    const cache = cacheThatKnows(Biscuit.parse(vouched.toBytes()));
    const [left, right] = NARROWINGS.map((code) => vouched.attenuateSync(code).toBytes()).map((bytes) =>
      Biscuit.parse(bytes).verifySync(rootKey.publicKey, { cache, crypto }),
    );
    assert.equal(count(), NARROWINGS.length);
    assert.equal(left?.decodedBlocks[1], right?.decodedBlocks[1]);
    assert.equal(left?.compiledBlocks[1], right?.compiledBlocks[1]);
    assert.notEqual(left?.decodedBlocks[2], right?.decodedBlocks[2]);
  });
});

/** A container whose block at one place is changed. */
function changed(bytes: Uint8Array, place: number, change: (block: SignedBlock) => Partial<SignedBlock>): Uint8Array {
  const container = readContainer(bytes);
  const [authority, ...others] = container.blocks.map((block, i) =>
    i === place ? { ...block, ...change(block) } : block,
  );
  return writeContainer({ ...container, blocks: [authority ?? assert.fail(), ...others] });
}

/** Version 0 does not bind a block to the one before it. */
const unbound = (data: Uint8Array): ForgedBlock => ({ data, version: 0 });

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
const otherKey = KeyPair.generateSync().publicKey;

interface Attack {
  readonly id: string;
  readonly build: (token: Uint8Array) => Uint8Array;
  readonly root?: KeyPair;
  readonly limits?: Partial<TokenLimits>;
  readonly expect: string;
}

const externalOf = ({ external }: SignedBlock): NonNullable<SignedBlock["external"]> => external ?? assert.fail();

const ATTACKS: readonly Attack[] = [
  { id: "another root key", build: (token) => token, root: thirdKey, expect: "invalid_signature" },
  {
    id: "a narrower limit on text, before a block without any",
    build: () => vouched.attenuateSync("").toBytes(),
    limits: { maxText: 20 },
    expect: "text",
  },
  {
    id: "the data of a known block",
    build: (t) => changed(t, 0, ({ data }) => ({ data: flipped(data) })),
    expect: "invalid_signature",
  },
  {
    id: "the key of a known block",
    build: (t) => changed(t, 0, () => ({ nextKey: otherKey })),
    expect: "invalid_signature",
  },
  {
    id: "the signature of a known block",
    build: (t) => changed(t, 0, ({ signature }) => ({ signature: flipped(signature) })),
    expect: "invalid_signature",
  },
  {
    id: "the version of a known block",
    build: (t) => changed(t, 0, () => ({ version: 1 })),
    expect: "invalid_signature",
  },
  {
    id: "the third party of a known block",
    build: (t) => changed(t, 1, (b) => ({ external: { ...externalOf(b), publicKey: otherKey } })),
    expect: "invalid_signature",
  },
  {
    id: "the third party's signature",
    build: (t) =>
      changed(t, 1, (b) => ({ external: { ...externalOf(b), signature: flipped(externalOf(b).signature) } })),
    expect: "invalid_signature",
  },
  { id: "no third party", build: (t) => changed(t, 1, () => ({ external: undefined })), expect: "invalid_signature" },
  {
    id: "the new block",
    build: (t) => changed(t, 2, ({ data }) => ({ data: flipped(data) })),
    expect: "invalid_signature",
  },
  { id: "the proof", build: (t) => flippedProof(readContainer(t)), expect: "proof_key" },
  { id: "the new block taken off, its secret kept", build: (t) => withoutLast(readContainer(t)), expect: "proof_key" },
];

function flippedProof(container: Container): Uint8Array {
  const { proof } = container;
  return writeContainer({
    ...container,
    proof: proof.kind === "secret" ? { ...proof, secret: flipped(proof.secret) } : proof,
  });
}

function withoutLast(container: Container): Uint8Array {
  const [authority, ...others] = container.blocks;
  return writeContainer({ ...container, blocks: [authority, ...others.slice(0, -1)] });
}

describe("a token that begins almost with known blocks is refused", () => {
  const cache = cacheThatKnows(Biscuit.parse(vouched.toBytes()));
  const token = vouched.attenuateSync("check if true;").toBytes();
  for (const { id, build, root = rootKey, limits, expect } of ATTACKS) {
    it(id, async () => {
      const bytes = build(token);
      const isExpected = (error: unknown): boolean => error instanceof BiscuitError && error.code === expect;
      const verify = (): Biscuit => Biscuit.parse(bytes, limits).verifySync(root.publicKey, { cache });
      assert.throws(verify, isExpected);
      await assert.rejects(Biscuit.parse(bytes, limits).verify(root.publicKey, { cache }), isExpected);
    });
  }
});

it("a block signed by version 0 keeps its own predecessor, though its signature and key are those of another token", () => {
  const dataOf = (code: string): Uint8Array => readContainer(mint(code).toBytes()).blocks[0].data;
  const forged = (note: string, last: number): Uint8Array =>
    forgeToken([dataOf(`note("${note}");`), rawBlock({}), rawBlock({ symbols: [`${last}`] })].map(unbound));
  const cache = new SignatureCache();
  const verified = (token: Uint8Array): Biscuit => Biscuit.parse(token).verifySync(rootKey.publicKey, { cache });
  const [third, fourth] = [1, 2, 3, 4].map((last) => verified(forged("one", last))).slice(2);
  assert.equal(third?.decodedBlocks[1], fourth?.decodedBlocks[1]);
  assert.match(verified(forged("two", 5)).blocks[0]?.source ?? "", /note\("two"\)/);
});
