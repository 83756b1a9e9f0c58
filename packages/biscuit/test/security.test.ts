import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Authorizer,
  Biscuit,
  BiscuitError,
  DEFAULT_LIMITS,
  type Decision,
  datalog,
  fact,
  KeyPair,
  PublicKey,
  SignatureCache,
  ThirdPartyBlock,
  ThirdPartyRequest,
} from "@countersign/biscuit";
import { compileRule } from "../src/datalog/compile.ts";
import type { ProtobufWriter } from "../src/format/protobuf.ts";
import { readContainer, writeContainer } from "../src/format/wrapper.ts";
import { blockKey, forgeToken, message, rawBlock, rootKey, thirdKey } from "./forge.ts";

/** The code of the error that refuses a token, or `undefined` when it is accepted. */
function refusal(build: () => unknown): string | undefined {
  try {
    build();
    return undefined;
  } catch (error) {
    if (error instanceof BiscuitError) return error.code;
    throw error;
  }
}

const verify = (bytes: Uint8Array | string): Biscuit => Biscuit.parse(bytes).verifySync(rootKey.publicKey);

const token = Biscuit.builder().code(`right("file1", "read"); check if operation("read");`).buildSync(rootKey);
const twoBlocks = token.attenuateSync(`check if resource("file1");`);
const threeBlocks = twoBlocks.attenuateSync(`check if time($t), $t < 2099-01-01T00:00:00Z;`);

/** A fact `name(term)` with the symbol index and the term given. */
const writeFact = (writer: ProtobufWriter, name: number, term: (writer: ProtobufWriter) => void): void =>
  writer.message(4, () =>
    writer.message(1, () => {
      writer.uint64(1, name);
      writer.message(2, () => term(writer));
    }),
  );

/** A check of one query whose head is `query` and whose body is an expression of these operations. */
const writeCheck = (writer: ProtobufWriter, ops: () => void, kind?: number, scope?: () => void): void =>
  writer.message(6, () => {
    writer.message(1, () => {
      writer.message(1, () => writer.uint64(1, 27));
      writer.message(3, ops);
      if (scope !== undefined) writer.message(4, scope);
    });
    if (kind !== undefined) writer.uint64(2, kind);
  });

/** What each signature of a token costs in fuel. */
const SIGNATURE_COST = 400;

/** A text that a token holds once and may mention often. */
const LONG = "a".repeat(20_000);

/** Facts whose one term is the first symbol of the block. */
const mention =
  (times: number) =>
  (writer: ProtobufWriter): void => {
    for (let i = 0; i < times; i++) writeFact(writer, 0, (term) => term.uint64(3, 1024));
  };

/** A key in the table of a block. */
const writeKey = (writer: ProtobufWriter, algorithm: number, key: Uint8Array): void =>
  writer.message(8, () => {
    writer.uint64(1, algorithm);
    writer.bytes(2, key);
  });

/** x = 4 is the coordinate of no point of P-256. */
const OFF_CURVE = new Uint8Array(33).with(0, 2).with(32, 4);

const opTrue = (writer: ProtobufWriter) => (): void =>
  writer.message(1, () => writer.message(1, () => writer.uint64(6, 1)));

const forged = (
  version: number,
  write: (writer: ProtobufWriter) => void,
  symbols: readonly string[] = [],
): Uint8Array => forgeToken([{ data: rawBlock({ version, symbols }, write) }]);

function withBlocks(change: (blocks: ReturnType<typeof readContainer>["blocks"]) => readonly unknown[]): Uint8Array {
  const container = readContainer(threeBlocks.toBytes());
  const blocks = change(container.blocks) as unknown as typeof container.blocks;
  return writeContainer({ ...container, blocks });
}

const otherToken = Biscuit.builder().code(`right("file2", "read");`).buildSync(rootKey);
const thirdBlock = token.thirdPartyRequest().createBlockSync(thirdKey, `group("admin");`);

function thirdPartyMessage(legacyField: number): Uint8Array {
  return message((writer) => {
    writer.message(legacyField, () => {
      writer.uint64(1, 0);
      writer.bytes(2, rootKey.publicKey.toBytes());
    });
    writer.bytes(3, new Uint8Array(64));
  });
}

interface Row {
  readonly id: string;
  readonly build: () => unknown;
  /** The code of the error that must refuse it; `undefined` where it must be accepted. */
  readonly expect: string | undefined;
}

const rows: readonly Row[] = [
  { id: "G2 trailing bytes", build: () => verify(Uint8Array.of(...twoBlocks.toBytes(), 0)), expect: "bytes" },
  {
    id: "G4 other root key",
    build: () => Biscuit.parse(token.toBytes()).verifySync(thirdKey.publicKey),
    expect: "invalid_signature",
  },
  { id: "G4 removed middle block", build: () => verify(withBlocks(([a, , c]) => [a, c])), expect: "invalid_signature" },
  { id: "G4 removed last block", build: () => verify(withBlocks(([a, b]) => [a, b])), expect: "proof_key" },
  { id: "G4 reordered blocks", build: () => verify(withBlocks(([a, b, c]) => [a, c, b])), expect: "invalid_signature" },
  {
    id: "G4 duplicated block",
    build: () => verify(withBlocks(([a, b, c]) => [a, b, b, c])),
    expect: "invalid_signature",
  },
  {
    id: "G4 block of another token",
    build: () =>
      verify(withBlocks(([a, , c]) => [a, readContainer(otherToken.attenuateSync("a(1);").toBytes()).blocks[1], c])),
    expect: "invalid_signature",
  },
  {
    id: "G5 append to a sealed token",
    build: () => token.sealSync().attenuateSync("a(1);"),
    expect: "append_on_sealed",
  },
  {
    id: "G5 append to a sealed token, unverified",
    build: () => Biscuit.parse(token.sealSync().toBytes()).attenuateSync("a(1);"),
    expect: "append_on_sealed",
  },
  {
    id: "G5 third-party request of a sealed token",
    build: () => token.sealSync().thirdPartyRequest(),
    expect: "append_on_sealed",
  },
  { id: "G5 seal twice", build: () => token.sealSync().sealSync(), expect: "already_sealed" },
  {
    id: "G5 unseal with a secret of one's own",
    build: () => {
      const container = readContainer(token.sealSync().toBytes());
      const secret = KeyPair.generateSync().privateKey.revealBytes();
      return verify(writeContainer({ ...container, proof: { kind: "secret", secret } }));
    },
    expect: "proof_key",
  },
  {
    id: "G5 seal of another token",
    build: () => {
      const { proof } = readContainer(otherToken.sealSync().toBytes());
      return verify(writeContainer({ ...readContainer(token.toBytes()), proof }));
    },
    expect: "invalid_signature",
  },
  {
    id: "G6 third-party block of another token",
    build: () => otherToken.appendThirdPartySync(thirdKey.publicKey, thirdBlock),
    expect: "invalid_signature",
  },
  {
    id: "G6 third-party block of another third party",
    build: () => token.appendThirdPartySync(rootKey.publicKey, thirdBlock),
    expect: "unknown_key",
  },
  {
    id: "G6 third-party block forged into another token",
    build: () => {
      const container = readContainer(otherToken.attenuateSync("a(1);").toBytes());
      const [first, second] = container.blocks;
      if (second === undefined) throw new TypeError("No second block");
      return verify(
        writeContainer({ ...container, blocks: [first, { ...second, version: 1, external: thirdBlock.external }] }),
      );
    },
    expect: "invalid_signature",
  },
  {
    id: "G7 third-party block with signature version 0",
    build: () =>
      verify(forgeToken([{ data: rawBlock({}) }, { data: rawBlock({ version: 5 }), version: 0, external: thirdKey }])),
    expect: "third_party_version",
  },
  {
    id: "G7 third-party block before Datalog 3.2",
    build: () => verify(forgeToken([{ data: rawBlock({}) }, { data: rawBlock({ version: 4 }), external: thirdKey }])),
    expect: "feature_version",
  },
  {
    id: "G7 authority signed by a third party",
    build: () => verify(forgeToken([{ data: rawBlock({ version: 5 }), external: thirdKey }])),
    expect: "authority_external",
  },
  {
    id: "G7 request with the old previous key",
    build: () => ThirdPartyRequest.parse(thirdPartyMessage(1)),
    expect: "bytes",
  },
  {
    id: "G7 request with the old public keys",
    build: () => ThirdPartyRequest.parse(thirdPartyMessage(2)),
    expect: "bytes",
  },
  { id: "G8 key of small order", build: () => PublicKey.parse(`ed25519/01${"00".repeat(31)}`), expect: "invalid_key" },
  { id: "G8 key of wrong length", build: () => PublicKey.parse("ed25519/00"), expect: "invalid_key_size" },
  {
    id: "G8 secp256r1 key off the curve",
    build: () => PublicKey.parse(`secp256r1/02${"ff".repeat(32)}`),
    expect: "invalid_key",
  },
  {
    id: "G8 Ed25519 key as secp256r1",
    build: () => {
      const bytes = message((writer) => {
        writer.bytes(1, new Uint8Array());
        writer.message(2, () => {
          writer.bytes(1, new Uint8Array(64));
          writer.message(2, () => {
            writer.uint64(1, 1);
            writer.bytes(2, rootKey.publicKey.toBytes());
          });
        });
      });
      return ThirdPartyBlock.parse(bytes);
    },
    expect: "invalid_key_size",
  },
  {
    id: "G15 unknown symbol",
    build: () => verify(forged(3, (writer) => writeFact(writer, 1024, (term) => term.int64(2, 1)))),
    expect: "unknown_symbol",
  },
  {
    id: "G15 reserved symbol",
    build: () => verify(forged(3, (writer) => writeFact(writer, 28, (term) => term.int64(2, 1)))),
    expect: "unknown_symbol",
  },
  {
    id: "G15 symbol index past 2^53",
    build: () => verify(forged(3, (writer) => writeFact(writer, 0, (term) => term.uint64(3, 2n ** 64n - 1n)))),
    expect: "unknown_symbol",
  },
  { id: "G15 default symbol shadowed", build: () => verify(forged(3, () => {}, ["read"])), expect: "symbol_overlap" },
  { id: "G15 symbol twice in a block", build: () => verify(forged(3, () => {}, ["a", "a"])), expect: "symbol_overlap" },
  {
    id: "G15 symbol twice in a token",
    build: () => verify(forgeToken([{ data: rawBlock({ symbols: ["a"] }) }, { data: rawBlock({ symbols: ["a"] }) }])),
    expect: "symbol_overlap",
  },
  {
    id: "G15 a third party has tables of its own",
    build: () =>
      verify(
        forgeToken([
          { data: rawBlock({ symbols: ["a"] }) },
          { data: rawBlock({ version: 5, symbols: ["a"] }), external: thirdKey },
        ]),
      ),
    expect: undefined,
  },
  {
    id: "G15 a million symbols",
    build: () =>
      verify(
        forged(
          3,
          () => {},
          Array.from({ length: 1_000_000 }, (_, i) => `s${i}`),
        ),
      ),
    expect: "token_bytes",
  },
  { id: "G15 a long text mentioned six times", build: () => verify(forged(3, mention(6), [LONG])), expect: undefined },
  { id: "G15 a long text mentioned seven times", build: () => verify(forged(3, mention(7), [LONG])), expect: "text" },
  {
    id: "G15 a long text mentioned past a limit of the verifier's own",
    build: () => Biscuit.parse(forged(3, mention(2), [LONG]), { maxText: 30_000 }).verifySync(rootKey.publicKey),
    expect: "text",
  },
  {
    id: "G15 long texts in the tables of several blocks",
    build: () => {
      const long = LONG.slice(0, 10_000);
      const block = { data: rawBlock({ version: 5, symbols: [long] }, mention(7)), external: thirdKey };
      verify(forgeToken([{ data: rawBlock({}) }, block, block]));
    },
    expect: "text",
  },
  {
    id: "G16 a scope names a P-256 key off the curve",
    build: () => verify(forged(4, (writer) => writeKey(writer, 1, OFF_CURVE))),
    expect: undefined,
  },
  {
    id: "G16 a scope names a P-256 key of another form",
    build: () => verify(forged(4, (writer) => writeKey(writer, 1, OFF_CURVE.with(0, 4)))),
    expect: "invalid_key",
  },
  {
    id: "G16 the next key is a P-256 key off the curve",
    build: () => {
      const { blocks, ...rest } = readContainer(token.toBytes());
      const nextKey = { algorithm: "secp256r1", toBytes: () => OFF_CURVE } as unknown as PublicKey;
      verify(writeContainer({ ...rest, blocks: [{ ...blocks[0], nextKey }] }));
    },
    expect: "invalid_key",
  },
  {
    id: "G16 unknown public key",
    build: () => verify(forged(4, (writer) => writeCheck(writer, opTrue(writer), undefined, () => writer.int64(2, 0)))),
    expect: "unknown_key",
  },
  {
    id: "G16 negative public key index",
    build: () =>
      verify(forged(4, (writer) => writeCheck(writer, opTrue(writer), undefined, () => writer.int64(2, -1)))),
    expect: "unknown_key",
  },
  {
    id: "G16 public key twice",
    build: () =>
      verify(
        forged(4, (writer) => {
          for (let i = 0; i < 2; i++) writeKey(writer, 0, thirdKey.publicKey.toBytes());
        }),
      ),
    expect: "key_overlap",
  },
  { id: "G17 Datalog version 2", build: () => verify(forged(2, () => {})), expect: "version" },
  { id: "G17 Datalog version 7", build: () => verify(forged(7, () => {})), expect: "version" },
  { id: "G17 no Datalog version", build: () => verify(forgeToken([{ data: message(() => {}) }])), expect: "version" },
  {
    id: "G17 signature version 2",
    build: () => verify(forgeToken([{ data: rawBlock({}), version: 2 }])),
    expect: "payload_version",
  },
  {
    id: "G17 check kind in version 3",
    build: () => verify(forged(3, (writer) => writeCheck(writer, opTrue(writer), 0))),
    expect: "feature_version",
  },
  {
    id: "G17 check all in version 4",
    build: () => verify(forged(4, (writer) => writeCheck(writer, opTrue(writer), 1))),
    expect: undefined,
  },
  {
    id: "G17 reject if in version 5",
    build: () => verify(forged(5, (writer) => writeCheck(writer, opTrue(writer), 2))),
    expect: "feature_version",
  },
  {
    id: "G17 check kind 3",
    build: () => verify(forged(6, (writer) => writeCheck(writer, opTrue(writer), 3))),
    expect: "invalid_op",
  },
  {
    id: "G17 scope in version 3",
    build: () =>
      verify(forged(3, (writer) => writeCheck(writer, opTrue(writer), undefined, () => writer.uint64(1, 0)))),
    expect: "feature_version",
  },
  {
    id: "G17 null in version 5",
    build: () => verify(forged(5, (writer) => writeFact(writer, 0, (term) => term.message(8, () => {})))),
    expect: "feature_version",
  },
  {
    id: "G17 unknown operation",
    build: () =>
      verify(
        forged(6, (writer) =>
          writeCheck(writer, () => writer.message(1, () => writer.message(3, () => writer.uint64(1, 30)))),
        ),
      ),
    expect: "invalid_op",
  },
  {
    id: "G17 extern without a name",
    build: () =>
      verify(
        forged(6, (writer) =>
          writeCheck(writer, () => writer.message(1, () => writer.message(2, () => writer.uint64(1, 4)))),
        ),
      ),
    expect: "invalid_op",
  },
  {
    id: "G18 variable in a fact",
    build: () => verify(forged(3, (writer) => writeFact(writer, 0, (term) => term.uint64(1, 1)))),
    expect: "invalid_set",
  },
  {
    id: "G18 set in a set",
    build: () =>
      verify(
        forged(3, (writer) =>
          writeFact(writer, 0, (term) => term.message(7, () => term.message(1, () => term.message(7, () => {})))),
        ),
      ),
    expect: "invalid_set",
  },
  {
    id: "G18 term without content",
    build: () => verify(forged(3, (writer) => writeFact(writer, 0, () => {}))),
    expect: "empty_content",
  },
  { id: "G18 group field", build: () => Biscuit.parse(Uint8Array.of(0x2b, 0x2c)), expect: "bytes" },
  {
    id: "G18 unknown group, which the reference skips",
    build: () => verify(Uint8Array.of(...token.toBytes(), 0x7b, 0x7c)),
    expect: "bytes",
  },
  {
    id: "G18 root key id past 32 bits, which the reference cuts off",
    build: () => verify(Uint8Array.of(0x08, 0x85, 0x80, 0x80, 0x80, 0x10, ...token.toBytes())),
    expect: "bytes",
  },
  {
    id: "G18 Datalog version past 32 bits",
    build: () => verify(forgeToken([{ data: message((writer) => writer.uint64(3, 2 ** 32 + 3)) }])),
    expect: "bytes",
  },
  {
    id: "G18 check kind past 32 bits",
    build: () => verify(forged(6, (writer) => writeCheck(writer, opTrue(writer), 2 ** 32 + 1))),
    expect: "bytes",
  },
  {
    id: "G18 name of a variable past 32 bits",
    build: () => verify(forged(3, (writer) => writeFact(writer, 0, (term) => term.uint64(1, 2 ** 32 + 1)))),
    expect: "unknown_symbol",
  },
  { id: "G18 field 0", build: () => Biscuit.parse(Uint8Array.of(0x02, 0x00)), expect: "bytes" },
  {
    id: "G18 length of 2 GiB",
    build: () => Biscuit.parse(Uint8Array.of(0x12, 0xff, 0xff, 0xff, 0xff, 0x07)),
    expect: "bytes",
  },
  {
    id: "G18 negative length",
    build: () => Biscuit.parse(Uint8Array.of(0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)),
    expect: "bytes",
  },
  {
    id: "G18 integer of 11 bytes",
    build: () => Biscuit.parse(Uint8Array.of(0x08, ...new Array(10).fill(0xff), 0x01)),
    expect: "bytes",
  },
  { id: "G18 empty token", build: () => Biscuit.parse(new Uint8Array()), expect: "bytes" },
  {
    id: "G18 text that is not UTF-8",
    build: () => verify(forgeToken([{ data: rawBlock({}, (writer) => writer.bytes(1, Uint8Array.of(0xff))) }])),
    expect: "bytes",
  },
  {
    id: "G18 arrays nested 10,000 deep",
    build: () =>
      verify(forgeToken([{ data: rawBlock({ version: 6 }, (writer) => writer.bytes(4, nestedArrays(10_000))) }])),
    expect: "bytes",
  },
  {
    id: "G22 chain of 1,000 blocks",
    build: () =>
      Biscuit.parse(forgeToken(Array.from({ length: 1000 }, () => ({ data: rawBlock({}) }))), {
        maxTokenBytes: 1 << 20,
      }),
    expect: "blocks",
  },
  {
    id: "G22 blocks past the limit are counted before a key in them is looked at",
    build: () => {
      const { blocks, ...rest } = readContainer(token.toBytes());
      const nextKey = { algorithm: "secp256r1", toBytes: () => OFF_CURVE } as unknown as PublicKey;
      const block = { ...blocks[0], nextKey };
      return Biscuit.parse(writeContainer({ ...rest, blocks: [block, ...new Array(64).fill(block)] }));
    },
    expect: "blocks",
  },
  ...[31, 32].map((count) => ({
    id: `G22 ${count} blocks of third parties, each signed twice`,
    build: () => {
      const block = { data: rawBlock({ version: 5 }), external: thirdKey };
      return Biscuit.parse(forgeToken([{ data: rawBlock({}) }, ...new Array(count).fill(block)]));
    },
    expect: count === 31 ? undefined : "blocks",
  })),
  { id: "G23 unpadded base64", build: () => verify(token.toBase64().replaceAll("=", "")), expect: undefined },
  {
    id: "G23 standard alphabet",
    build: () => verify(Buffer.from(token.toBytes()).toString("base64")),
    expect: undefined,
  },
  { id: "G23 prefix", build: () => verify(`biscuit:${token.toBase64()}`), expect: undefined },
  { id: "G23 newline", build: () => verify(`${token.toBase64()}\n`), expect: "base64" },
  { id: "G23 space inside", build: () => verify(token.toBase64().replace(/^.{8}/, "$& ")), expect: "base64" },
  { id: "G23 padding where none belongs", build: () => verify("A==="), expect: "base64" },
  { id: "G23 stray bits", build: () => verify("QR=="), expect: "base64" },
];

/** A `Fact` message with arrays in one another. */
function nestedArrays(depth: number): Uint8Array {
  let bytes = message((writer) => writer.int64(2, 1));
  for (let i = 0; i < depth && bytes.length < 30_000; i++) {
    const inner = bytes;
    bytes = message((writer) =>
      writer.bytes(
        9,
        message((array) => array.bytes(1, inner)),
      ),
    );
  }
  const term = bytes;
  const predicate = message((writer) => {
    writer.uint64(1, 0);
    writer.bytes(2, term);
  });
  return message((writer) => writer.bytes(1, predicate));
}

describe("hostile tokens (security catalogue, section G)", () => {
  for (const { id, build, expect } of rows) {
    it(`${id}: ${expect === undefined ? "is accepted" : `is refused as ${expect}`}`, () => {
      assert.equal(refusal(build), expect);
    });
  }

  it("G1 any byte of a token changed is refused", () => {
    const bytes = twoBlocks.toBytes();
    for (let i = 0; i < bytes.length; i++) {
      for (const flip of [1, 0x80]) {
        const changed = bytes.slice();
        changed[i] = (changed[i] ?? 0) ^ flip;
        assert.notEqual(
          refusal(() => verify(changed)),
          undefined,
          `byte ${i} ^ ${flip}`,
        );
      }
    }
  });

  it("G2 every truncation is refused", () => {
    const bytes = twoBlocks.toBytes();
    for (let length = 0; length < bytes.length; length++) {
      assert.notEqual(
        refusal(() => verify(bytes.slice(0, length))),
        undefined,
        `length ${length}`,
      );
    }
  });

  it("G3 a signature of 30,000 bytes is refused in few words", () => {
    const container = readContainer(token.toBytes());
    const block = { ...container.blocks[0], signature: new Uint8Array(30_000).fill(255) };
    const bytes = writeContainer({ ...container, blocks: [block] });
    assert.throws(
      () => verify(bytes),
      (error) => {
        assert.ok(error instanceof BiscuitError && error.code === "block_signature");
        return error.message.length + JSON.stringify(error.toRustJson()).length < 1000;
      },
    );
  });

  it("G2 an unknown field is skipped and leaves the revocation ids as they are", () => {
    const extended = Uint8Array.of(...token.toBytes(), 0x7a, 0x01, 0x00);
    assert.deepEqual(verify(extended).revocationIds, token.revocationIds);
  });
});

describe("hostile Datalog (security catalogue, section G)", () => {
  const policy = new Authorizer(`allow if right($file, $operation), resource($file), operation($operation);`);
  const request = { facts: [fact("resource", "file1"), fact("operation", "write")] };

  it("G9 an attenuation cannot widen rights", () => {
    const narrow = Biscuit.builder().code(`right("file1", "read");`).buildSync(rootKey);
    const wide = narrow.attenuateSync(`right("file1", "write"); right($f, "write") <- right($f, "read");`);
    const decision = policy.authorize(wide, request);
    assert.equal(decision.allowed, false);
    assert.equal(decision.policy, undefined);
  });

  it("G10 previous is ignored in the authorizer", () => {
    const wide = Biscuit.builder().code(`a(1);`).buildSync(rootKey).attenuateSync(`admin(true);`);
    assert.equal(new Authorizer(`allow if admin(true) trusting previous;`).authorize(wide).allowed, false);
  });

  it("G10 a key is trusted only for the blocks it signed", () => {
    const signed = token.appendThirdPartySync(thirdKey.publicKey, thirdBlock);
    const code = datalog`allow if group("admin") trusting ${thirdKey.publicKey};`;
    const other = datalog`allow if group("admin") trusting ${blockKey.publicKey};`;
    const facts = [fact("operation", "read")];
    assert.equal(new Authorizer(code).authorize(signed, { facts }).allowed, true);
    assert.equal(new Authorizer(other).authorize(signed, { facts }).allowed, false);
    assert.equal(new Authorizer(`allow if group("admin");`).authorize(signed, { facts }).allowed, false);
  });

  const rejects: readonly (readonly [check: string, holds: boolean])[] = [
    ["reject if p(1)", true],
    ["reject if p(2)", false],
    ["reject if p(1) or p(2)", false],
    ["reject if p(2) or p(1)", false],
    ["reject if p(1) or p(3)", true],
    ["reject if p(1) or p(3) or $a == 1, p($a), p(2) or p(2)", false],
  ];
  for (const [check, holds] of rejects) {
    it(`${check} ${holds ? "holds" : "fails"} where p(2)`, () => {
      const rejecting = Biscuit.builder().code(`p(2); ${check};`).buildSync(rootKey);
      assert.equal(new Authorizer("allow if true;").authorize(rejecting).allowed, holds);
    });
  }

  const list = (length: number): string => `[${Array.from({ length }, (_, i) => i).join(", ")}]`;
  const facts60 = Array.from({ length: 60 }, (_, i) => `f(${i}, "x${i}");`).join("");
  const four = "f($a, $w), f($b, $x), f($c, $y), f($d, $z)";
  const bombs: Readonly<Record<string, string>> = {
    "G11 product of facts": `${facts60} p($a, $b) <- f($a, $c), f($b, $d);`,
    "G12 join in a rule": `${facts60} p($a) <- ${four}, $a + $b + $c + $d > 100000;`,
    "G12 join in a check": `${facts60} check if ${four}, false;`,
    "G12 join that ends in nothing": `${facts60} check if ${four}, g($a);`,
    "G12 join in check all": `${facts60} check all ${four}, true;`,
    "G12 join in reject if": `${facts60} reject if ${four}, false;`,
    "G12 closures over arrays": `check if ${list(100)}.any($a -> ${list(100)}.any($b -> ${list(100)}.any($c -> $a + $b + $c > 9999)));`,
    "G12 closures under try_or": `check if ${list(100)}.all($a -> ${list(100)}.all($b -> ${list(100)}.all($c -> true))).try_or(true);`,
    "G13 repeated repetition": `check if "${"a".repeat(2000)}".matches("((a{100}){100}){100}");`,
    "G13 nested star over a long text": `check if ${list(1000)}.any($x -> "${"a".repeat(2000)}!".matches("(a+)+$"));`,
    "concatenation in a closure": `check if ${list(1000)}.any($x -> ("${"a".repeat(1000)}" + "${"b".repeat(1000)}").length() == $x);`,
    "search of a long text": `check if ${list(1000)}.any($x -> "${"a".repeat(2000)}b".contains("${"a".repeat(1000)}c"));`,
    "union in a closure": `check if ${list(1000)}.any($x -> {${list(500).slice(1, -1)}}.union({${list(500).slice(1, -1)}}).length() == -1);`,
    "endless derivation": `p(0); p($y) <- p($x), n($x, $y); ${Array.from({ length: 200 }, (_, i) => `n(${i}, ${i + 1});`).join("")}`,
  };

  for (const [name, code] of Object.entries(bombs)) {
    it(`${name} ends within the fuel, always after the same number of steps`, () => {
      const bomb = Biscuit.builder().code("a(1);").buildSync(rootKey).attenuateSync(code);
      const authorizer = new Authorizer(`allow if true;`);
      const decision = authorizer.authorize(bomb);
      assert.equal(decision.allowed, false);
      // One operation may pass the limit by what it alone costs; it is then not carried out.
      if (decision.error === undefined) assert.ok(decision.fuelUsed <= DEFAULT_LIMITS.fuel);
      else assert.ok(["fuel", "facts", "iterations"].includes(decision.error.code), decision.error.code);
      assert.equal(authorizer.authorize(bomb).fuelUsed, decision.fuelUsed);
    });
  }

  it("thousands of checks without queries do not make a report of a megabyte", () => {
    const checks = forged(3, (writer) => {
      for (let i = 0; i < 16_000; i++) writer.message(6, () => {});
    });
    const decision = new Authorizer("allow if true;").authorize(verify(checks));
    assert.equal(decision.error?.code, "fuel");
    assert.ok(JSON.stringify(decision).length < 1000);
  });

  it("the text of a rule that leaves a variable unbound is charged like that of a check", () => {
    const judge = (dates: number): Decision => {
      const rule = forged(3, (writer) =>
        writer.message(5, () => {
          writer.message(1, () => {
            writer.uint64(1, 2);
            writer.message(2, () => writer.uint64(1, 3));
          });
          writer.message(2, () => {
            writer.uint64(1, 0);
            for (let i = 0; i < dates; i++) writer.message(2, () => writer.uint64(4, i % 100));
          });
        }),
      );
      return new Authorizer("allow if true;").authorize(verify(rule));
    };
    const short = judge(2);
    const text = "resource($operation) <- read(1970-01-01T00:00:00Z, 1970-01-01T00:00:01Z)";
    assert.deepEqual(short.error?.toRustJson(), { FailedLogic: { InvalidBlockRule: [0, text] } });
    // The head's term, the predicate and its two terms.
    assert.equal(short.fuelUsed, SIGNATURE_COST + 16 + 8 * 4);
    const long = judge(8000);
    assert.equal(long.error?.code, "fuel");
    assert.ok(JSON.stringify(long).length < 1000);
  });

  /** A token of so many blocks, the last of which holds a join of three. */
  function chainOf(count: number, last = "f($a, $w), f($b, $x), f($c, $y), false"): Biscuit {
    const facts = Array.from({ length: 60 }, (_, i) => `f(${i}, ${i % 7});`).join(" ");
    let chain = Biscuit.builder().code("a(1);").buildSync(rootKey);
    for (let i = 2; i < count; i++) chain = chain.attenuateSync("a(1);");
    return chain.attenuateSync(`${facts} check if ${last};`);
  }

  it("the signatures of a token are charged, those of third parties too, whether or not a cache knows them", () => {
    const allow = new Authorizer("allow if true;");
    const used = (verified: Biscuit): number => allow.authorize(verified).fuelUsed;
    const [one, three] = [1, 3].map((count) => {
      let chain = Biscuit.builder().code("").buildSync(rootKey);
      for (let i = 1; i < count; i++) chain = chain.attenuateSync("");
      return chain;
    });
    assert.ok(one !== undefined && three !== undefined);
    assert.equal(used(three) - used(one), 2 * SIGNATURE_COST);
    const signed = one.thirdPartyRequest().createBlockSync(thirdKey, "");
    assert.equal(used(one.appendThirdPartySync(thirdKey.publicKey, signed)) - used(one), 2 * SIGNATURE_COST);
    const cache = new SignatureCache();
    const bytes = three.toBytes();
    const read = (): Biscuit => Biscuit.parse(bytes).verifySync(rootKey.publicKey, { cache });
    assert.deepEqual([used(read()), used(read()), used(read())], [used(three), used(three), used(three)]);
  });

  it("64 blocks are judged, but leave little fuel for a join in the last", () => {
    const allow = new Authorizer("allow if true;");
    assert.equal(allow.authorize(chainOf(64, "f(1, 1), a(1) trusting authority")).allowed, true);
    const decision = allow.authorize(chainOf(64));
    assert.equal(decision.error?.code, "fuel");
    assert.ok(DEFAULT_LIMITS.fuel - 64 * SIGNATURE_COST < DEFAULT_LIMITS.fuel / 5);
  });

  it("origins past 31 bits cost more", () => {
    const unlimited = new Authorizer("allow if true;", { limits: { fuel: 10_000_000 } });
    const [narrow, wide] = [29, 32].map(
      (count) => unlimited.authorize(chainOf(count)).fuelUsed - count * SIGNATURE_COST,
    );
    assert.ok(narrow !== undefined && wide !== undefined);
    assert.ok(wide > 2 * narrow, `${narrow} and ${wide}`);
  });

  it("a closure of thousands of parameters takes no place in a join", () => {
    const params = Array.from({ length: 9000 }, () => "p");
    const closure = { kind: "closure", params, ops: [] } as const;
    const head = { name: "q", terms: [1] };
    const rule = { head, body: [], expressions: [[{ kind: "value", term: 1 } as const, closure]], scopes: [] };
    assert.equal(compileRule(rule).slotCount, 0);
  });

  it("try_or does not hide a spent limit", () => {
    const code = `check if ${list(100)}.all($a -> ${list(100)}.all($b -> ${list(100)}.all($c -> true))).try_or(true);`;
    const decision = new Authorizer(`${code} allow if true;`).authorizeWithoutToken();
    assert.equal(decision.error?.code, "fuel");
  });

  const arithmetic: Readonly<Record<string, string | undefined>> = {
    "9223372036854775807 + 1 > 0": "overflow",
    "-9223372036854775808 - 1 < 0": "overflow",
    "9223372036854775807 * 2 > 0": "overflow",
    "1 / 0 === 1": "divide_by_zero",
    "-9223372036854775808 / -1 === 1": "divide_by_zero",
    "9223372036854775806 + 1 === 9223372036854775807": undefined,
    "-7 / 2 === -3": undefined,
    "9007199254740993 - 1 === 9007199254740992": undefined,
  };
  for (const [expression, code] of Object.entries(arithmetic)) {
    it(`G14 ${expression} ${code === undefined ? "holds" : `is ${code}`}`, () => {
      const decision = new Authorizer(`check if ${expression}; allow if true;`).authorizeWithoutToken();
      assert.equal(decision.error?.code, code);
      assert.equal(decision.allowed, code === undefined);
    });
  }

  it("G19 an expiry without a time, or with a text for a time, denies", () => {
    const expiring = Biscuit.builder().code(`check if time($t), $t < 2030-01-01T00:00:00Z;`).buildSync(rootKey);
    const allow = new Authorizer(`allow if true;`);
    assert.equal(allow.authorize(expiring).allowed, false);
    assert.equal(allow.authorize(expiring, { facts: [fact("time", "2029-01-01")] }).error?.code, "invalid_type");
    assert.equal(allow.authorize(expiring, { facts: [fact("time", new Date(0))] }).allowed, true);
  });

  it("G22 a prefix matches at separators only", () => {
    const code = `check if actor($a), $a == "alice" || $a.starts_with("alice:");`;
    const delegated = Biscuit.builder().code(code).buildSync(rootKey);
    const allow = new Authorizer(`allow if true;`);
    const allowed = (actor: string): boolean => allow.authorize(delegated, { facts: [fact("actor", actor)] }).allowed;
    assert.deepEqual([allowed("alice"), allowed("alice:bot"), allowed("alicex")], [true, true, false]);
  });
});
